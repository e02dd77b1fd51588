"""The verbs around customers and their points: the directory in the dashboard, the loyalty screen at the till."""

from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.square.customers import Profile
from bridge.sandbox.square.errors import SquareError
from bridge.sandbox.square.loyalty import TILL, Account
from bridge.sandbox.square.phones import e164
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import Json

__all__ = ["People"]


class People:
    """What people do with the Customer Directory and the loyalty program of one seller."""

    def __init__(self, state: State) -> None:
        self.state = state

    def add(self, fields: Json) -> str:
        """Make a profile; "name", "email", "phone", "consent". Square takes one twice."""
        try:
            made = self.state.customers.create(_body(fields), "DIRECTORY")["customer"]
        except SquareError as error:
            raise RefusedError(error.detail) from error
        if fields.get("consent") is False:
            self.edit(made["id"], {"consent": False})
        return str(made["id"])

    def edit(self, customer: str, fields: Json) -> None:
        """Change a profile; keys as in `add`."""
        profile = self.find(customer)
        data = {name: value for name, value in (profile.data | _body(fields)).items() if value is not None}
        if "consent" in fields:
            data["preferences"] = {"email_unsubscribed": not fields["consent"]}
        self.state.customers.change(profile, data)

    def delete(self, customer: str) -> None:
        """Delete a profile."""
        self.state.customers.delete(self.find(customer).id)

    def listing(self) -> list[Json]:
        """Return the profiles with the points of their accounts."""
        return [self._row(profile) for profile in self.state.customers.all.values()]

    def give(self, customer: str, points: int, reason: str) -> None:
        """Give points by hand at the till, or take some (below 0); who has no account is enrolled by their phone number."""
        self._try(lambda: self.state.loyalty.adjust(self.account(customer), points, TILL, reason, below_zero=True))

    def redeem(self, customer: str, points: int, place: str) -> None:
        """Take the reward that costs these points at the till."""
        loyalty = self.state.loyalty

        def take() -> None:
            tier = next((one["id"] for one in loyalty.active()["reward_tiers"] if one["points"] == points), "")
            loyalty.redeem(loyalty.lock(self.account(customer), tier, TILL, place), TILL, place)

        self._try(take)

    def expire(self, customer: str, points: int) -> None:
        """Let points run out."""
        self._try(lambda: self.state.loyalty.expire(self.account(customer), points))

    def attach(self, person: Json) -> str:
        """Find who a clerk attaches to a sale: by id, e-mail or phone; a person who is new is made."""
        if person.get("id"):
            return self.find(str(person["id"])).id
        email, phone = str(person.get("email") or "").casefold(), self._phone(person.get("phone"))
        for known in self.state.customers.all.values():
            same_email = email and str(known.data.get("email_address") or "").casefold() == email
            if same_email or (phone and self._phone(known.data.get("phone_number")) == phone):
                return known.id
        return self.add(person)

    def account(self, customer: str) -> Account:
        """Return a profile's loyalty account, made where there is none yet."""
        profile = self.find(customer)
        found, phone = self.state.loyalty.of_customer(profile.id), self._phone(profile.data.get("phone_number"))
        if found is None and not phone:
            raise RefusedError(f"customer {customer} has no phone number to earn points by")
        return found or self.state.loyalty.enrol(phone, self.state.clock.ms())

    def find(self, customer: str) -> Profile:
        """Find a profile; raises RefusedError where there is none."""
        if customer not in self.state.customers.all:
            raise RefusedError(f"no such customer: {customer}")
        return self.state.customers.all[customer]

    def _row(self, profile: Profile) -> Json:
        account = self.state.loyalty.of_customer(profile.id)
        name = " ".join(filter(None, (profile.data.get("given_name"), profile.data.get("family_name"))))
        contacts = {"email": profile.data.get("email_address") or "", "phone": profile.data.get("phone_number") or ""}
        return {"id": profile.id, "name": name, **contacts, "points": account.balance if account else None}

    def _phone(self, number: Any) -> str:
        return e164(number, self.state.options.country)

    def _try(self, act: Any) -> None:
        try:
            act()
        except SquareError as error:
            raise RefusedError(error.detail) from error


def _body(fields: Json) -> Json:
    """Write a person's fields as the API names them; one that is given empty is taken away."""
    body: Json = {}
    if "name" in fields:
        first, _, last = str(fields["name"] or "").partition(" ")
        body |= {"given_name": first or None, "family_name": last or None}
    for ours, theirs in (("email", "email_address"), ("phone", "phone_number")):
        if ours in fields:
            body[theirs] = fields[ours] or None
    return body
