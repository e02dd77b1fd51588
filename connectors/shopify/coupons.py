"""Coupon codes: looked up, listed, and written alone; those of a campaign are written by `campaigns`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Page
from bridge.contract.loyalty import CouponResult, CouponState, CouponWrite
from bridge.domain.coupons import CouponTerms, normal_code
from bridge.wire.paging import by_cursor
from connectors.shopify.campaigns import Campaigns
from connectors.shopify.coupon_input import BASIC, accepts, discount_input, kind_of, objections
from connectors.shopify.coupon_mapping import more_codes, states
from connectors.shopify.coupon_results import outcome, result
from connectors.shopify.coupon_terms import TermsReader
from connectors.shopify.limits import CODES_A_CALL, DISCOUNTS_A_CALL, LOOKS_A_CALL
from connectors.shopify.loyalty_documents import (
    DISCOUNT_CODES,
    DISCOUNTS,
    DISCOUNTS_BY_ID,
    Part,
    codes_at,
    redeem_codes,
    write_discounts,
)
from connectors.shopify.mapping import gid, short
from connectors.shopify.shop import Shop, after

__all__ = ["Coupons"]

_OFF: Part = ("discountCodeDeactivate", "", "")
_ROOTS = {BASIC: ("discountCodeBasic", "basicCodeDiscount")}
_SHIPPING = ("discountCodeFreeShipping", "freeShippingCodeDiscount")
# Searches for single codes in one document; above this many pages of codes are cheaper.
_SEARCHES = 40


class Coupons:
    """The coupons port."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._terms = TermsReader(shop)
        self._campaigns = Campaigns(shop, self._terms, self.find)

    def objections(self, terms: CouponTerms) -> Sequence[str]:
        """Say what of these terms Shopify cannot express."""
        return objections(terms)

    def batches(self, writes: Sequence[CouponWrite]) -> Sequence[Sequence[CouponWrite]]:
        """Split rows into calls: a campaign's codes by what is done to them, 250 a call; codes that stand alone 20 a call."""
        alone = [write for write in writes if not _held(write)]
        chunks = [alone[start : start + DISCOUNTS_A_CALL] for start in range(0, len(alone), DISCOUNTS_A_CALL)]
        return [*chunks, *self._campaigns.batches([write for write in writes if _held(write)])]

    async def write(self, writes: Sequence[CouponWrite], key: str) -> Sequence[CouponResult]:  # noqa: ARG002
        """Create, change or switch off one batch; one result each. Shopify takes no key here: a lost answer is looked up."""
        if not writes or len({_held(write) for write in writes}) != 1 or len(self.batches(writes)) != 1:
            raise Refused(f"{len(writes)} codes are no batch: `batches` makes them")
        if _held(writes[0]):
            return await self._campaigns.write(writes)
        return await self._write_alone(writes)

    async def find(self, codes: Sequence[str]) -> Sequence[CouponState]:
        """Look codes up: first which discount has each, then each discount once, then codes deep inside one."""
        wanted = list(dict.fromkeys(normal_code(code) for code in codes))
        owners: dict[str, list[str]] = {}
        for start in range(0, len(wanted), CODES_A_CALL):
            for code, owner in (await self._owners(wanted[start : start + CODES_A_CALL])).items():
                owners.setdefault(owner, []).append(code)
        found: list[CouponState] = []
        for node in await self._discounts(list(owners)):
            found += await self._states_of(node, owners[node["id"]])
        return found

    async def all(self) -> AsyncIterator[Page[CouponState]]:
        """Read every code, 50 discounts a call; those with many codes take one more call for 250 codes."""

        async def fetch(cursor: str | None) -> tuple[tuple[Any, Any], str | None]:
            answer = await self._shop.ask(DISCOUNTS, {"after": cursor})
            return (answer.data["discountNodes"]["nodes"], answer.at), after(answer.data["discountNodes"])

        async for nodes, at in by_cursor(fetch):
            # Automatic discounts have no code; their types are not asked for, so nothing but their id is there.
            coded = [node for node in nodes if "codes" in (node.get("discount") or {})]
            good: list[CouponState] = []
            bad: list[Bad] = []
            for node in coded:
                try:
                    good += states(node, await self._codes(node))
                except (ValueError, TypeError, KeyError) as error:
                    bad.append(Bad(id=str(node.get("id", "?")), reason=f"{type(error).__name__}: {error}"))
            yield Page(items=tuple(good), bad=tuple(bad), as_of=at)

    async def _write_alone(self, writes: Sequence[CouponWrite]) -> list[CouponResult]:
        known = await self._terms.known(writes)
        results: dict[int, CouponResult] = {}
        parts: dict[int, Part] = {}
        variables: dict[str, Any] = {}
        for place, write in enumerate(writes):
            try:
                part, given = _part(write, known.get(place), len(parts))
            except Refused as error:
                results[place] = result(write, "refused", reason=f"{error.what}; {error.next_step}".rstrip("; "))
            else:
                parts[place] = part
                variables |= given
        if parts:
            data = (await self._shop.ask(write_discounts(list(parts.values())), variables)).data
            results |= {place: outcome(writes[place], data[f"d{at}"]) for at, place in enumerate(parts)}
        return [results[place] for place in range(len(writes))]

    async def _owners(self, codes: Sequence[str]) -> dict[str, str]:
        variables = {f"c{index}": code for index, code in enumerate(codes)}
        data = (await self._shop.ask(codes_at(len(codes)), variables)).data
        nodes = {code: data[f"c{index}"] for index, code in enumerate(codes)}
        return {code: node["id"] for code, node in nodes.items() if node}

    async def _discounts(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(ids), LOOKS_A_CALL):
            part = ids[start : start + LOOKS_A_CALL]
            answer = await self._shop.ask(DISCOUNTS_BY_ID, {"ids": part}, cost=DISCOUNTS_BY_ID.cost * len(part))
            # Deleted between the two looks: as if it had never been found.
            found += [node for node in answer.data["nodes"] if node]
        return found

    async def _states_of(self, node: dict[str, Any], codes: Sequence[str]) -> list[CouponState]:
        inner = node["codeDiscount"]
        wanted = set(codes)
        seen = _named(inner["codes"]["nodes"], wanted)
        missing = [code for code in codes if code not in seen]
        if missing and more_codes(inner):
            pages = -(-int(inner["codesCount"]["count"]) // CODES_A_CALL)
            if pages > -(-len(missing) // _SEARCHES):
                seen |= await self._searched(node["id"], missing)
            if not wanted <= seen.keys():
                # Few pages, or the search does not know a code yet.
                seen |= _named(await self._codes(node), wanted)
        return states(node, list(seen.values()))

    async def _searched(self, owner: str, codes: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(codes), _SEARCHES):
            part = codes[start : start + _SEARCHES]
            variables = {f"d{index}": owner for index in range(len(part))}
            variables |= {f"q{index}": f"'{code}'" for index, code in enumerate(part)}
            data = (await self._shop.ask(redeem_codes(len(part)), variables)).data
            nodes = [node for one in data.values() if one for node in one["codeDiscount"]["codes"]["nodes"]]
            found |= _named(nodes, set(part))
        return found

    async def _codes(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return all codes of a discount, reading on where its page is cut short."""
        inner = node.get("codeDiscount") or node["discount"]
        first = after(inner["codes"])
        codes: list[Mapping[str, Any]] = list(inner["codes"]["nodes"])
        if first is None:
            return codes

        async def page(cursor: str | None) -> tuple[list[Any], str | None]:
            variables = {"id": gid("DiscountCodeNode", short(node["id"])), "after": cursor or first}
            whole = (await self._shop.ask(DISCOUNT_CODES, variables)).data["node"]
            found = whole["codeDiscount"]["codes"] if whole else None
            return (found["nodes"], after(found)) if found else ([], None)

        async for more in by_cursor(page):
            codes += more
        return codes


def _held(write: CouponWrite) -> bool:
    """Whether a code is one of several in a discount. Codes of one discount are not used together, so those that stack stand alone."""
    return bool(write.group_id or (write.group and not write.terms.stacks))


def _named(nodes: Sequence[Mapping[str, Any]], wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    return {name: node for node in nodes if (name := normal_code(str(node["code"]))) in wanted}


def _part(write: CouponWrite, known: Any, index: int) -> tuple[Part, dict[str, Any]]:
    """Return the mutation of one code, with its variables; raises Refused."""
    named = {f"id{index}": gid("DiscountCodeNode", write.id)} if write.id else {}
    root, argument = _ROOTS.get(kind_of(write.terms), _SHIPPING)
    kind = f"{root[0].upper()}{root[1:]}Input"
    try:
        given = discount_input(write, known)
    except Refused:
        if write.id and not accepts(write):
            # Its terms can no longer be said; that it ends now can.
            return _OFF, named
        raise
    if write.id:
        return (f"{root}Update", argument, kind), {**named, f"input{index}": given}
    fresh = {"title": write.code, "code": write.code, **given}
    return (f"{root}Create", argument, kind), {f"input{index}": fresh}
