"""What has to be looked up before a discount is written: customers by address, and what an existing one is limited to."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.loyalty import CouponWrite
from connectors.shopify.coupon_input import Known
from connectors.shopify.limits import CODES_A_CALL, LOOKS_A_CALL
from connectors.shopify.loyalty_documents import DISCOUNTS_BY_ID, customers_by_email
from connectors.shopify.mapping import gid
from connectors.shopify.shop import Shop

__all__ = ["TermsReader"]


class TermsReader:
    """Looks these things up; a batch that is for everybody and for all goods asks for nothing."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def known(self, writes: Sequence[CouponWrite]) -> dict[int, Known]:
        """Return what is known for each row, by its place."""
        currency = await self._shop.currency()
        emails = list(dict.fromkeys(email for write in writes for email in write.terms.emails))
        customers = await self._customers(emails)
        limited = {write.group_id or write.id for write in writes if write.only or write.terms.emails} - {""}
        had = await self._limits(sorted(limited))
        return {
            place: Known(currency=currency, customers=customers, **had.get(write.group_id or write.id, {}))
            for place, write in enumerate(writes)
        }

    async def _customers(self, emails: Sequence[str]) -> dict[str, str]:
        """Return the customers' global ids by address; who is not there is left out."""
        found: dict[str, str] = {}
        for start in range(0, len(emails), CODES_A_CALL):
            part = emails[start : start + CODES_A_CALL]
            variables = {f"e{index}": email for index, email in enumerate(part)}
            data = (await self._shop.ask(customers_by_email(len(part)), variables)).data
            found |= {email: node["id"] for index, email in enumerate(part) if (node := data[f"e{index}"])}
        return found

    async def _limits(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Read the goods and people of discounts that are there: an update only adds and removes."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(numbers), LOOKS_A_CALL):
            part = numbers[start : start + LOOKS_A_CALL]
            variables = {"ids": [gid("DiscountCodeNode", number) for number in part]}
            answer = await self._shop.ask(DISCOUNTS_BY_ID, variables, cost=DISCOUNTS_BY_ID.cost * len(part))
            nodes = zip(part, answer.data["nodes"], strict=True)
            found |= {number: _had(node["codeDiscount"]) for number, node in nodes if node}
        return found


def _had(inner: Mapping[str, Any]) -> dict[str, Any]:
    items = (inner.get("customerGets") or {}).get("items") or {}
    return {
        "had_customers": tuple(node["id"] for node in (inner.get("context") or {}).get("customers") or ()),
        "had_products": tuple(node["id"] for node in (items.get("products") or {}).get("nodes") or ()),
        "had_variants": tuple(node["id"] for node in (items.get("productVariants") or {}).get("nodes") or ()),
    }
