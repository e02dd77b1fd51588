"""What the seller consented to, and what of the account bears on stock."""

from bridge.contract.ports import Identity
from bridge.wire.api import if_allowed
from bridge.wire.payload import rows, text
from connectors.ebay.client import NO_SCOPE, SCOPE, Client

__all__ = ["Account"]

_NEEDED = ("sell.inventory", "sell.fulfillment")
_FOR_MORE = {
    "sell.account.readonly": "whether listings outlive a number of 0 cannot be seen, nor the policies of new listings",
    "sell.finances": "refunds cannot be issued",
    "commerce.notification.subscription": "eBay cannot push orders, they are polled",
}
_KEPT_ALIVE = "OUT_OF_STOCK_CONTROL"
_ENDS = (
    "out-of-stock control is off: a listing ends for good when its number reaches 0; switch it on in Seller Hub "
    "(Account > Site Preferences > Listings stay active when you're out of stock)"
)


class Account:
    """The account port."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def check(self) -> Identity:
        """Verify credentials and scopes without writing; raises NeedsPerson where a person must act."""
        client = self._client
        lacking, now = await client.service.lacking(client.consent, (*_NEEDED, *_FOR_MORE), f"{SCOPE}/")
        notes = [f"the consent lacks {scope}: {effect}" for scope, effect in _FOR_MORE.items() if scope in lacking]
        return Identity(
            name=f"eBay seller on {client.marketplace}",
            currency=client.currency,
            now=now,
            missing=tuple(scope for scope in _NEEDED if scope in lacking),
            notes=(*notes, *([_ENDS] if await self._ends() else [])),
            version="sell/inventory v1",
        )

    async def _ends(self) -> bool:
        """Tell whether listings end with a number of 0; that they do not where the consent does not let us see."""
        asked = self._client.read("/sell/account/v1/program/get_opted_in_programs", "read the programs")
        found = await if_allowed(asked, None, NO_SCOPE)
        return found is not None and _KEPT_ALIVE not in {text(row, "programType") for row in rows(found, "programs")}
