"""Events about customers and loyalty. Their objects: Connect API specification 2025-08-20, the examples of the event schemas."""

from bridge.sandbox.square.customers import Customers, Profile
from bridge.sandbox.square.loyalty import Account, Loyalty
from bridge.sandbox.square.values import Json
from bridge.sandbox.square.webhook_events import Events

__all__ = ["PeopleWatch"]


class PeopleWatch:
    """Listens to the directory and to the loyalty program."""

    def __init__(self, events: Events, customers: Customers, loyalty: Loyalty) -> None:
        self.events = events
        self.loyalty = loyalty
        customers.on_change = self.customer
        loyalty.on_event = self.entry
        loyalty.on_account = self.account

    def customer(self, verb: str, profile: Profile) -> None:
        """Tell of a profile that was made, changed or deleted; then its loyalty account follows."""
        data: Json = {"type": "customer", "id": profile.id, "object": {"customer": profile.data}}
        if verb == "deleted":
            # The example of this event has neither time.
            shown = {name: value for name, value in profile.data.items() if name not in ("created_at", "updated_at")}
            data |= {"deleted": True, "object": {"customer": shown}}
        self.events.happen(f"customer.{verb}", lambda: data)
        self.loyalty.follow(verb, profile)

    def account(self, verb: str, account: Account) -> None:
        """Tell of a loyalty account."""

        def data() -> Json:
            shown = self.loyalty.answer(account)
            return {"type": "loyalty_account", "id": account.id, "object": {"loyalty_account": shown}}

        self.events.happen(f"loyalty.account.{verb}", data)

    def entry(self, event: Json) -> None:
        """Tell of an entry of the loyalty ledger."""
        data = {"type": "loyalty_event", "id": event["id"], "object": {"loyalty_event": event}}
        self.events.happen("loyalty.event.created", lambda: data)
