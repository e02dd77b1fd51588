"""The codes of a campaign: discounts that hold many codes, found again by their title, codes added and removed 250 a call.

A usage limit is one for the whole discount and, says Shopify, counted for each code (community.shopify.dev/t/12269). So codes of other
terms or of another limit go into another discount of the campaign, and what all codes of a discount share is changed where all of them
are changed. Were the limit counted over all codes, they would be refused too early, never too often.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.loyalty import CouponResult, CouponState, CouponWrite
from bridge.domain.coupons import normal_code
from connectors.shopify.coupon_input import BASIC, accepts, discount_input, kind_of, title_of
from connectors.shopify.coupon_mapping import is_off, terms_of
from connectors.shopify.coupon_results import failure, outcome, result
from connectors.shopify.coupon_terms import TermsReader
from connectors.shopify.limits import CODES_A_CALL, LOOKS_A_CALL
from connectors.shopify.loyalty_documents import (
    CODES_ADD,
    CODES_REMOVE,
    DISCOUNTS_BY_ID,
    Part,
    campaign,
    campaign_codes,
    write_discounts,
)
from connectors.shopify.mapping import gid, short
from connectors.shopify.shop import Shop

__all__ = ["Campaigns"]

Find = Callable[[Sequence[str]], Awaitable[Sequence[CouponState]]]
_BASIC: Part = ("discountCodeBasic", "basicCodeDiscount", "DiscountCodeBasicInput")
_SHIPPING: Part = ("discountCodeFreeShipping", "freeShippingCodeDiscount", "DiscountCodeFreeShippingInput")


class Campaigns:
    """Writes rows that belong to a discount with others; `find` looks codes up, wherever they are."""

    def __init__(self, shop: Shop, terms: TermsReader, find: Find) -> None:
        self._shop = shop
        self._terms = terms
        self._find = find

    def batches(self, writes: Sequence[CouponWrite]) -> list[list[CouponWrite]]:
        """Split rows by campaign, terms, limit, and what is done: added, changed or switched off."""
        parts: dict[tuple[Any, ...], list[CouponWrite]] = {}
        for write in writes:
            parts.setdefault(_sort(write), []).append(write)
        return [
            rows[start : start + CODES_A_CALL] for rows in parts.values() for start in range(0, len(rows), CODES_A_CALL)
        ]

    async def write(self, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        """Write one batch."""
        first = writes[0]
        # A discount that is there may be another one of the campaign: a new one is limited anew.
        asked = first if first.id else replace(first, group_id="")
        try:
            given = discount_input(first, (await self._terms.known([asked]))[0])
        except Refused as error:
            if first.id and not accepts(first):
                return await self._remove(writes)
            reason = f"{error.what}; {error.next_step}".rstrip("; ")
            return [result(write, "refused", reason=reason) for write in writes]
        return await (self._change(writes, given) if first.id else self._add(writes, given))

    async def _add(self, writes: Sequence[CouponWrite], given: Mapping[str, Any]) -> list[CouponResult]:
        title = title_of(writes[0].group)
        holder, data = await self._look(writes, title)
        owners = [(data[f"c{index}"] or {}).get("id") for index in range(len(writes))]
        fresh = [write for write, owner in zip(writes, owners, strict=True) if owner is None]
        ours = [write.code for write, owner in zip(writes, owners, strict=True) if holder and owner == _node(holder)]
        found = {normal_code(one.code): one for one in await self._find(ours)} if ours else {}
        made = {one.code: one for one in await self._add_to(holder, fresh, {"title": title, **given})}
        return [made.get(write.code) or _there(write, found.get(normal_code(write.code))) for write in writes]

    async def _look(self, writes: Sequence[CouponWrite], title: str) -> tuple[str, Mapping[str, Any]]:
        """Return the number of the discount for these codes ("": there is none), and an answer that says where each of them is now."""
        codes = {f"c{index}": write.code for index, write in enumerate(writes)}
        if writes[0].group_id:
            # Known from the codes before these: the same look says whether it still is as they want it.
            variables = {"id": _node(writes[0].group_id), **codes}
            data = (await self._shop.ask(campaign_codes(len(writes)), variables)).data
            if data["holder"] and _fits(data["holder"]["discount"], writes[0]):
                return writes[0].group_id, data
        quoted = title.replace("\\", "\\\\").replace("'", "\\'")
        data = (await self._shop.ask(campaign(len(writes)), {"query": f"title:'{quoted}'", **codes})).data
        nodes = [*data["found"]["nodes"], *data["newest"]["nodes"]]
        named = dict.fromkeys(node["id"] for node in nodes if (node["discount"] or {}).get("title") == title)
        return await self._holder(list(named)[:LOOKS_A_CALL], writes[0]) if named else "", data

    async def _holder(self, ids: Sequence[str], write: CouponWrite) -> str:
        """Return the number of the discount that has exactly what this row asks for, "" where there is none."""
        answer = await self._shop.ask(DISCOUNTS_BY_ID, {"ids": ids}, cost=DISCOUNTS_BY_ID.cost * len(ids))
        nodes = [node for node in answer.data["nodes"] if node]
        return next((short(node["id"]) for node in nodes if _fits(node["codeDiscount"], write)), "")

    async def _add_to(self, holder: str, writes: Sequence[CouponWrite], given: Mapping[str, Any]) -> list[CouponResult]:
        if not writes:
            return []
        if holder:
            return await self._bulk_add(holder, writes)
        made = await self._make(writes[0], {"code": writes[0].code, **given})
        if made.kind == "done":
            return [made, *(await self._bulk_add(made.group_id, writes[1:]) if len(writes) > 1 else ())]
        again = made.kind in {"taken", "retry"}
        text = "the campaign's discount could not be made with its first code" if again else made.reason
        return [made, *(result(write, "retry" if again else "refused", reason=text) for write in writes[1:])]

    async def _make(self, write: CouponWrite, given: Mapping[str, Any]) -> CouponResult:
        name, argument, kind = _root(write)
        operation = write_discounts([(f"{name}Create", argument, kind)])
        payload = (await self._shop.ask(operation, {"input0": given})).data["d0"]
        if payload["userErrors"]:
            return failure(write, payload["userErrors"][0])
        node = payload["codeDiscountNode"]
        (code,) = node["codeDiscount"]["codes"]["nodes"]
        return result(write, "done", code_id=short(code["id"]), group_id=short(node["id"]))

    async def _bulk_add(self, holder: str, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        variables = {"id": _node(holder), "codes": [{"code": write.code} for write in writes]}
        payload = (await self._shop.ask(CODES_ADD, variables)).data["discountRedeemCodeBulkAdd"]
        if payload["userErrors"]:
            return [failure(write, payload["userErrors"][0]) for write in writes]
        made = payload["bulkCreation"]
        rows = {normal_code(row["code"]): row for row in made["codes"]["nodes"]} if made["done"] else {}
        return [_added(write, rows.get(normal_code(write.code)), holder) for write in writes]

    async def _change(self, writes: Sequence[CouponWrite], given: Mapping[str, Any]) -> list[CouponResult]:
        """Change the discount that these codes are in, or take them out of it, after a look at what else is in it."""
        identity = _node(writes[0].group_id)
        variables = {"id": identity, **{f"c{index}": write.code for index, write in enumerate(writes)}}
        data = (await self._shop.ask(campaign_codes(len(writes)), variables)).data
        inner = (data["holder"] or {}).get("discount")
        here = [(data[f"c{index}"] or {}).get("id") == identity for index in range(len(writes))]
        present = [write for write, there in zip(writes, here, strict=True) if there]
        if inner is None or not present:
            return [_gone(write) for write in writes]
        results = {one.code: one for one in await self._change_in(inner, present, given)}
        return [results.get(write.code) or _gone(write) for write in writes]

    async def _change_in(
        self, inner: Mapping[str, Any], writes: Sequence[CouponWrite], given: Mapping[str, Any]
    ) -> list[CouponResult]:
        first = writes[0]
        if int(inner["codesCount"]["count"]) == len(writes):
            return await self._update(writes, given)
        if not accepts(first):
            return await self._remove(writes)
        if not first.group or (inner.get("usageLimit") != first.limit and not is_off(inner)):
            return [_fixed(write, inner) for write in writes]
        if is_off(inner):
            # They never worked there, so no use is forgotten when they move to where codes work.
            moved = await self._remove(writes)
            if any(one.kind != "done" for one in moved):
                return moved
            return await self._add([replace(write, id="") for write in writes], given)
        return await self._update(writes, given)

    async def _update(self, writes: Sequence[CouponWrite], given: Mapping[str, Any]) -> list[CouponResult]:
        name, argument, kind = _root(writes[0])
        variables = {"id0": _node(writes[0].group_id), "input0": given}
        payload = (await self._shop.ask(write_discounts([(f"{name}Update", argument, kind)]), variables)).data["d0"]
        seen = [outcome(write, payload) for write in writes]
        return [
            replace(one, id=write.id, group_id=write.group_id) if one.kind == "done" else one
            for write, one in zip(writes, seen, strict=True)
        ]

    async def _remove(self, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        """Take codes out of their discount: it cannot be switched off for some of its codes."""
        ids = [gid("DiscountRedeemCode", write.id) for write in writes]
        payload = (await self._shop.ask(CODES_REMOVE, {"id": _node(writes[0].group_id), "ids": ids})).data
        removed = payload["discountCodeRedeemCodeBulkDelete"]
        if removed["userErrors"]:
            return [failure(write, removed["userErrors"][0]) for write in writes]
        if removed["job"]["done"]:
            return [result(write, "done", group_id=write.group_id) for write in writes]
        return [result(write, "later", code_id=write.id, group_id=write.group_id) for write in writes]


def _sort(write: CouponWrite) -> tuple[Any, ...]:
    if write.id:
        return ("change", write.group, write.group_id, write.limit, accepts(write), write.terms, write.only)
    return ("add", write.group, write.limit, accepts(write), write.terms, write.only)


def _node(number: str) -> str:
    return gid("DiscountCodeNode", number)


def _fits(inner: Mapping[str, Any], write: CouponWrite) -> bool:
    """Whether a discount has these terms, this limit, and works or not as asked."""
    terms, _ = terms_of(inner)
    asked = replace(
        write.terms, skus=tuple(sorted(write.terms.skus)), emails=tuple(sorted(write.terms.emails)), tags=()
    )
    return terms == asked and is_off(inner) != accepts(write) and inner.get("usageLimit") == (write.limit or None)


def _there(write: CouponWrite, state: CouponState | None) -> CouponResult:
    """Say what is with a code that is there already: in the very discount that it should be in, or elsewhere."""
    if state is None:
        return result(write, "taken", reason="another discount of this shop has this code")
    return result(write, "done", code_id=state.id, group_id=state.group_id)


def _gone(write: CouponWrite) -> CouponResult:
    return result(write, "gone", reason="the code is no more in its discount")


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
