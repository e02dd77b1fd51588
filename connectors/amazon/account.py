"""Who the credentials belong to, and what the application may do."""

from bridge.contract.ports import Identity
from bridge.domain.catalog import Location
from bridge.wire.api import forbidden
from bridge.wire.payload import Payload, part, rows, text
from bridge.wire.settings import demand_one_of
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT

__all__ = ["Account"]

# An order id of the right form that is nobody's: whoever may read orders is told that it does not exist.
_NOBODYS = "000-0000000-0000000"
_NO_ROLE = ("Unauthorized", "AccessDenied", "403")


class Account:
    """The account port."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def check(self) -> Identity:
        """Verify the tokens, the marketplace and the two roles; a token does not say what it may, so each is tried by a read."""
        payload, response = await self._client.call("getMarketplaceParticipations", "read the seller account")
        here = self._here(rows(payload, "payload"))
        listings = await forbidden(self._catalog.named([_NOBODYS], "summaries"), *_NO_ROLE)
        order = self._client.call("getOrder", "try to read an order", order=_NOBODYS)
        missing = {"Product Listing": listings, "Inventory and Order Tracking": await forbidden(order, *_NO_ROLE)}
        return Identity(
            name=text(here, "storeName") or self._client.settings.seller_id,
            currency=text(part(here, "marketplace"), "defaultCurrencyCode"),
            now=response.at,
            locations=self._locations(),
            missing=tuple(role for role, lacks in missing.items() if lacks),
            notes=self._notes(here),
            version="2021-08-01 / 2026-01-01",
        )

    def _here(self, places: list[Payload]) -> Payload:
        market = self._client.market
        selling = [place for place in places if part(place, "participation").get("isParticipating")]
        there = {text(part(place, "marketplace"), "id"): place for place in selling}
        names = {one: text(part(place, "marketplace"), "name") for one, place in there.items()}
        demand_one_of("marketplace", market, names, f"the seller does not sell in {market}", self._client.where)
        return there[market]

    def _locations(self) -> tuple[Location, ...]:
        mine = Location(id=DEFAULT, name="Merchant fulfilled")
        theirs = Location(id=self._client.warehouse, name="Fulfilled by Amazon")
        return (mine, theirs) if self._client.settings.fba else (mine,)

    def _notes(self, here: Payload) -> tuple[str, ...]:
        suspended = part(here, "participation").get("hasSuspendedListings")
        notes = {
            "Amazon has suspended listings of this account: see Seller Central > Account Health": suspended,
            "no `queue_url`: orders are heard of by search only, once in three minutes": not self._client.settings.queue_url,
        }
        return tuple(note for note, holds in notes.items() if holds)
