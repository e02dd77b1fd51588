"""What the seller consented to, and what of the account bears on stock."""

from datetime import datetime

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Identity
from connectors.ebay.client import Client
from connectors.ebay.payload import rows, text

__all__ = ["CURRENCIES", "Account", "currency_of"]

_NEEDED = ("sell.inventory", "sell.fulfillment")
_FOR_MORE = {
    "sell.account.readonly": "whether listings outlive a number of 0 cannot be seen, nor the policies of new listings",
    "sell.finances": "refunds cannot be issued",
    "commerce.notification.subscription": "eBay cannot push orders, they are polled",
}
# Each site trades in one currency (MarketplaceEnum of sell_inventory).
CURRENCIES = {
    "EBAY_US": "USD", "EBAY_MOTORS": "USD", "EBAY_CA": "CAD", "EBAY_GB": "GBP", "EBAY_AU": "AUD", "EBAY_CH": "CHF", "EBAY_PL": "PLN",
    "EBAY_HK": "HKD", "EBAY_SG": "SGD", "EBAY_MY": "MYR", "EBAY_PH": "PHP", "EBAY_TW": "TWD", "EBAY_JP": "JPY",
    **dict.fromkeys(("EBAY_AT", "EBAY_BE", "EBAY_DE", "EBAY_ES", "EBAY_FR", "EBAY_IE", "EBAY_IT", "EBAY_NL"), "EUR"),
}  # fmt: skip
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
            currency=currency_of(self._client.marketplace, self._client.where),
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


def currency_of(marketplace: str, where: str) -> str:
    """Return the currency of a site; raises NeedsPerson for one that we do not know."""
    if marketplace not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise NeedsPerson(
            f"unknown site {marketplace!r}", where=where, next_step=f"set `marketplace` to one of {known}"
        )
    return CURRENCIES[marketplace]
