"""The codes of a campaign: one discount holds them all, found again by its title, its codes added and removed 250 a call.

A usage limit is one for the whole discount and, says Shopify, counted for each code (community.shopify.dev/t/12269). Codes of another
limit go into a discount of their own, so a campaign has one discount a limit, and a code's limit cannot be changed once it is there. Were
the limit counted over all codes, they would be refused too early, never too often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.loyalty import CouponResult, CouponWrite
from bridge.domain.coupons import normal_code
from connectors.shopify.coupon_input import BASIC, accepts, discount_input, kind_of, title_of
from connectors.shopify.coupon_results import failure, result
from connectors.shopify.coupon_terms import TermsReader
from connectors.shopify.limits import CODES_A_CALL
from connectors.shopify.loyalty_documents import (
    CAMPAIGN,
    CODES_ADD,
    CODES_REMOVE,
    Part,
    discounts_named,
    write_discounts,
)
from connectors.shopify.mapping import gid, short
from connectors.shopify.shop import Shop

__all__ = ["Campaigns"]

_BASIC: Part = ("discountCodeBasic", "basicCodeDiscount", "DiscountCodeBasicInput")
_SHIPPING: Part = ("discountCodeFreeShipping", "freeShippingCodeDiscount", "DiscountCodeFreeShippingInput")


class Campaigns:
    """Writes rows that belong to a discount with others."""

    def __init__(self, shop: Shop, terms: TermsReader) -> None:
        self._shop = shop
        self._terms = terms

    def batches(self, writes: Sequence[CouponWrite]) -> list[list[CouponWrite]]:
        """Split rows by campaign, limit, and what is done: added, changed or taken away."""
        parts: dict[tuple[Any, ...], list[CouponWrite]] = {}
        for write in writes:
            parts.setdefault(_sort(write), []).append(write)
        return [
            rows[start : start + CODES_A_CALL] for rows in parts.values() for start in range(0, len(rows), CODES_A_CALL)
        ]

    async def write(self, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        """Write one batch."""
        first = writes[0]
        if not accepts(first):
            return await self._remove(writes)
        try:
            # A discount that is there may be another campaign's: a new one is limited anew.
            asked = first if first.id else replace(first, group_id="")
            given = discount_input(first, (await self._terms.known([asked]))[0])
        except Refused as error:
            return [
                result(write, "refused", reason=f"{error.what}; {error.next_step}".rstrip("; ")) for write in writes
            ]
        return await (self._change(writes, given) if first.id else self._add(writes, given))

    async def _add(self, writes: Sequence[CouponWrite], given: Mapping[str, Any]) -> list[CouponResult]:
        title = title_of(writes[0].group, writes[0].limit)
        holder = await self._holder(title)
        if holder:
            return await self._add_to(holder, writes)
        made = await self._make(writes[0], {"title": title, "code": writes[0].code, **given})
        if made.kind != "done":
            again = made.kind in {"taken", "retry"}
            text = "the campaign's discount could not be made with its first code" if again else made.reason
            return [made, *(result(write, "retry" if again else "refused", reason=text) for write in writes[1:])]
        return [made, *(await self._add_to(made.group_id, writes[1:]) if len(writes) > 1 else ())]

    async def _holder(self, title: str) -> str:
        """Return the number of the discount with exactly this title, "" where there is none."""
        quoted = title.replace("\\", "\\\\").replace("'", "\\'")
        data = (await self._shop.ask(CAMPAIGN, {"query": f"title:'{quoted}'"})).data
        nodes = [*data["found"]["nodes"], *data["newest"]["nodes"]]
        return next((short(node["id"]) for node in nodes if (node["discount"] or {}).get("title") == title), "")

    async def _make(self, write: CouponWrite, given: Mapping[str, Any]) -> CouponResult:
        name, argument, kind = _root(write)
        operation = write_discounts([(f"{name}Create", argument, kind)])
        payload = (await self._shop.ask(operation, {"input0": given})).data["d0"]
        if payload["userErrors"]:
            return failure(write, payload["userErrors"][0])
        node = payload["codeDiscountNode"]
        (code,) = node["codeDiscount"]["codes"]["nodes"]
        return result(write, "done", code_id=short(code["id"]), group_id=short(node["id"]))

    async def _add_to(self, holder: str, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        variables = {"id": gid("DiscountCodeNode", holder), "codes": [{"code": write.code} for write in writes]}
        payload = (await self._shop.ask(CODES_ADD, variables)).data["discountRedeemCodeBulkAdd"]
        if payload["userErrors"]:
            return [failure(write, payload["userErrors"][0]) for write in writes]
        made = payload["bulkCreation"]
        rows = {normal_code(row["code"]): row for row in made["codes"]["nodes"]} if made["done"] else {}
        return [_added(write, rows.get(normal_code(write.code)), holder) for write in writes]

    async def _change(self, writes: Sequence[CouponWrite], given: Mapping[str, Any]) -> list[CouponResult]:
        """Change the terms of the discount that these codes are in, after a look at whether they are."""
        first = writes[0]
        identity = gid("DiscountCodeNode", first.group_id)
        variables = {"id": identity, **{f"c{index}": write.code for index, write in enumerate(writes)}}
        data = (await self._shop.ask(discounts_named(len(writes)), variables)).data
        holder = (data["holder"] or {}).get("discount")
        there = [(data[f"c{index}"] or {}).get("id") == identity for index in range(len(writes))]
        if holder is None or not any(there):
            return [result(write, "gone", reason="the code is no more in its discount") for write in writes]
        if holder.get("title") != title_of(first.group, first.limit):
            return [_fixed(write, holder) for write in writes]
        name, argument, kind = _root(first)
        operation = write_discounts([(f"{name}Update", argument, kind)])
        payload = (await self._shop.ask(operation, {"id0": identity, "input0": given})).data["d0"]
        errors = payload["userErrors"]
        return [
            result(write, "gone", reason="the code is no more in its discount") if not here
            else failure(write, errors[0]) if errors
            else result(write, "done", code_id=write.id, group_id=first.group_id)
            for write, here in zip(writes, there, strict=True)
        ]  # fmt: skip

    async def _remove(self, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        """Take codes out of their discount: it cannot be switched off for some of its codes."""
        there = [write for write in writes if write.id]
        if not there:
            return [result(write, "done", group_id=write.group_id) for write in writes]
        ids = [gid("DiscountRedeemCode", write.id) for write in there]
        variables = {"id": gid("DiscountCodeNode", there[0].group_id), "ids": ids}
        payload = (await self._shop.ask(CODES_REMOVE, variables)).data["discountCodeRedeemCodeBulkDelete"]
        if payload["userErrors"]:
            # Without its discount a code is not there either.
            failed = [failure(write, payload["userErrors"][0]) for write in writes]
            return [
                result(write, "done") if one.kind == "gone" else one for write, one in zip(writes, failed, strict=True)
            ]
        if payload["job"]["done"]:
            return [result(write, "done", group_id=write.group_id) for write in writes]
        return [result(write, "later", code_id=write.id, group_id=write.group_id) for write in writes]


def _sort(write: CouponWrite) -> tuple[Any, ...]:
    if not accepts(write):
        return ("remove", write.group_id, bool(write.id))
    if write.id:
        return ("change", write.group, write.group_id, write.limit, write.terms, write.only)
    return ("add", write.group, write.limit, write.terms, write.only)


def _root(write: CouponWrite) -> Part:
    return _BASIC if kind_of(write.terms) == BASIC else _SHIPPING


def _added(write: CouponWrite, row: Mapping[str, Any] | None, holder: str) -> CouponResult:
    if row is None:
        return result(write, "later", group_id=holder)
    if row["errors"]:
        return failure(write, row["errors"][0])
    return result(write, "done", code_id=short(row["discountRedeemCode"]["id"]), group_id=holder)


def _fixed(write: CouponWrite, holder: Mapping[str, Any]) -> CouponResult:
    """Refuse what would change the other codes of the discount too."""
    if not write.group:
        text = "it is one of the codes of a discount that somebody made; here it can only be taken out of it"
    else:
        text = f"the codes of a campaign share one limit, {holder.get('usageLimit') or 'none'} here: this code alone cannot have another"
    return result(write, "refused", code_id=write.id, group_id=write.group_id, reason=text)
