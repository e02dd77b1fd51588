"""Who the token belongs to, and what it may do."""

from datetime import datetime, timedelta

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Identity
from bridge.domain.catalog import Location
from connectors.square.client import Client
from connectors.square.loyalty import Accounts
from connectors.square.payload import Payload, moment, need, part, rows, text

__all__ = ["Account"]

_NEEDED = ("MERCHANT_PROFILE_READ", "ITEMS_READ", "INVENTORY_READ", "INVENTORY_WRITE", "ORDERS_READ")
_FOR_MORE = {
    "ITEMS_WRITE": "products cannot be written",
    "ORDERS_WRITE": "orders cannot be mirrored, fulfilled or cancelled",
    "PAYMENTS_WRITE": "mirrored orders cannot be marked as paid, and refunds cannot be recorded",
    "CUSTOMERS_READ": "who buys at the till is not known, and has no points elsewhere",
    "LOYALTY_READ": "points cannot be read",
    "LOYALTY_WRITE": "points cannot be shown at the till",
}
_SOON = timedelta(days=7)
_SKEW = timedelta(minutes=2)


class Account:
    """The account port."""

    def __init__(self, client: Client, version: str, loyalty: Accounts) -> None:
        self._client = client
        self._version = version
        self._loyalty = loyalty

    async def check(self) -> Identity:
        """Verify token, permissions, clock and locations without writing; raises NeedsPerson where a person must act."""
        status, response = await self._client.post("/oauth2/token/status", "check the token", None)
        merchant, _ = await self._client.get("/v2/merchants/me", "read the merchant")
        places = await self.locations()
        profile = part(merchant, "merchant")
        scopes = set(status.get("scopes") or ())
        ahead = self._client.now() - response.at
        return Identity(
            name=text(profile, "business_name") or text(profile, "id"),
            currency=text(profile, "currency") or next((text(place, "currency") for place in places), ""),
            now=response.at,
            locations=tuple(_location(place) for place in places),
            # A personal access token may answer without a list: it may do everything.
            missing=tuple(scope for scope in _NEEDED if scopes and scope not in scopes),
            notes=(
                *_scope_notes(scopes),
                *_expiry_note(status, response.at),
                *_clock_note(ahead),
                *_currencies(places),
                *await self._program_notes(scopes),
            ),
            version=self._version,
        )

    async def _program_notes(self, scopes: set[str]) -> list[str]:
        """Points need a program that is on; who keeps no points is not kept from anything else."""
        if scopes and "LOYALTY_READ" not in scopes:
            return []
        try:
            program = await self._loyalty.program()
        except NeedsPerson as error:
            return [f"points can be neither read nor shown here: {error.what}; {error.next_step}"]
        if text(program, "status") != "INACTIVE":
            return []
        return ["points cannot be shown: the loyalty program is not active; see the Square Dashboard (Loyalty)"]

    async def locations(self) -> list[Payload]:
        """Read all locations, inactive ones too (their old orders are still read)."""
        payload, _ = await self._client.get("/v2/locations", "read the locations")
        return rows(payload, "locations")


def _location(place: Payload) -> Location:
    return Location(id=need(place, "id"), name=text(place, "name"), active=text(place, "status") != "INACTIVE")


def _scope_notes(scopes: set[str]) -> list[str]:
    lacking = {scope: effect for scope, effect in _FOR_MORE.items() if scopes and scope not in scopes}
    return [f"the token lacks {scope}: {effect}" for scope, effect in lacking.items()]


def _expiry_note(status: Payload, now: datetime) -> list[str]:
    """Personal access tokens never expire; an OAuth token lives 30 days."""
    if not status.get("expires_at"):
        return []
    ends = moment(status, "expires_at")
    return [f"the access token ends on {ends:%Y-%m-%d}: renew it before"] if ends - now < _SOON else []


def _clock_note(ahead: timedelta) -> list[str]:
    """Square orders inventory changes by the time we write into them, and refuses the future."""
    if abs(ahead) < _SKEW:
        return []
    return [f"this machine's clock is {ahead.total_seconds():+.0f} s off Square's: synchronise it (NTP)"]


def _currencies(places: list[Payload]) -> list[str]:
    found = sorted({text(place, "currency") for place in places if text(place, "currency")})
    return [f"locations trade in several currencies ({', '.join(found)})"] if len(found) > 1 else []
