"""What the seller consented to, and what of the account bears on stock."""

from datetime import datetime

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Identity
from bridge.wire.payload import rows, text
from connectors.ebay.client import Client

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
        alive = await self._kept_alive()
        now, lacking = await self._lacking()
        notes = [f"the consent lacks {scope}: {effect}" for scope, effect in _FOR_MORE.items() if scope in lacking]
        return Identity(
            name=f"eBay seller on {self._client.marketplace}",
            currency=self._client.currency,
            now=now,
            missing=tuple(scope for scope in _NEEDED if scope in lacking),
            notes=(*notes, *([_ENDS] if alive is False else [])),
            version="sell/inventory v1",
        )

    async def _kept_alive(self) -> bool | None:
        """Tell whether listings outlive a number of 0; None where the consent does not let us see."""
        try:
            payload, _ = await self._client.get("/sell/account/v1/program/get_opted_in_programs", "read the programs")
        except NeedsPerson as error:
            if error.code != "1100":
                raise
            return None
        return _KEPT_ALIVE in {text(row, "programType") for row in rows(payload, "programs")}

    async def _lacking(self) -> tuple[datetime, set[str]]:
        """Return the scopes that were not consented to: asked for together, and one by one only where that is refused."""
        wanted = (*_NEEDED, *_FOR_MORE)
        try:
            return await self._client.consented(*wanted), set()
        except NeedsPerson as error:
            if error.code != "invalid_scope":
                raise
        lacking, at = set(), self._client.now()
        for scope in wanted:
            try:
                at = await self._client.consented(scope)
            except NeedsPerson:
                lacking.add(scope)
        return at, lacking
