"""Shopify's code discounts as states of codes: pure. What our terms cannot say makes them foreign, with the reason."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.loyalty import CouponState
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from connectors.shopify.coupon_input import BASIC, BEGINNING, MARKS, OVER, SHIPPING
from connectors.shopify.mapping import Unreadable, moment, need, short

__all__ = ["is_campaign", "is_off", "more_codes", "states", "terms_of"]

_FAMILIES = {"DiscountCodeBxgy": "buy X get Y", "DiscountCodeApp": "a discount of another app"}


class _Foreign(Exception):
    """The discount says something that our terms cannot; the text says what."""


def is_campaign(inner: Mapping[str, Any]) -> bool:
    """Whether a discount holds many codes: ours by its mark, anybody's by their number."""
    return (
        str(inner.get("title") or "").startswith("bridge: ")
        or int((inner.get("codesCount") or {}).get("count") or 0) > 1
    )


def more_codes(inner: Mapping[str, Any]) -> bool:
    """Whether the discount has codes beyond those of its first page."""
    return bool(inner["codes"]["pageInfo"]["hasNextPage"])


def states(node: Mapping[str, Any], codes: Sequence[Mapping[str, Any]]) -> list[CouponState]:
    """Return the states of these codes of one discount (`codeDiscount` or `discount` in the node)."""
    inner = node.get("codeDiscount") or need(node, "discount")
    number, held = short(need(node, "id")), is_campaign(inner)
    terms, foreign = terms_of(inner)
    return [
        CouponState(
            code=str(need(code, "code")),
            id=short(need(code, "id")) if held else number,
            group_id=number if held else "",
            limit=inner.get("usageLimit"),
            used=int(need(code, "asyncUsageCount")),
            active=inner.get("status") != "EXPIRED",
            terms=terms,
            foreign=foreign,
            updated_at=moment(need(inner, "updatedAt")),
        )
        for code in codes
    ]


def is_off(inner: Mapping[str, Any]) -> bool:
    """Whether the bridge switched the discount off, or made it so."""
    return inner.get("endsAt") == OVER


def terms_of(inner: Mapping[str, Any]) -> tuple[CouponTerms | None, str]:
    """Read the terms; (None, what is foreign) where ours cannot say them."""
    try:
        return _read(inner), ""
    except _Foreign as error:
        return None, str(error)


def _read(inner: Mapping[str, Any]) -> CouponTerms:
    kind = str(need(inner, "__typename"))
    if kind not in {BASIC, SHIPPING}:
        raise _Foreign(_FAMILIES.get(kind, kind))
    _demand_plain_shipping(inner)
    gets: Mapping[str, Any] = inner.get("customerGets") or {}
    return CouponTerms(
        **_value(gets.get("value") or {}),
        minimum=_minimum(inner.get("minimumRequirement")),
        starts_at=_date(inner, "startsAt"),
        ends_at=_date(inner, "endsAt"),
        skus=_skus(gets.get("items") or {}),
        per_customer=1 if inner.get("appliesOncePerCustomer") else None,
        emails=_emails(need(inner, "context")),
        stacks=_stacks(need(inner, "combinesWith"), kind),
    )


def _demand_plain_shipping(inner: Mapping[str, Any]) -> None:
    if inner.get("maximumShippingPrice"):
        raise _Foreign("a highest price of the shipping that is free")
    if (inner.get("destinationSelection") or {"__typename": "DiscountCountryAll"})[
        "__typename"
    ] != "DiscountCountryAll":
        raise _Foreign("certain countries only")


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    if not value:
        return {"kind": "free_shipping"}
    if value["__typename"] == "DiscountPercentage":
        hundredths = float(value["percentage"]) * 10_000
        if abs(hundredths - round(hundredths)) > 1e-6:
            raise _Foreign(f"{hundredths / 100} percent")
        return {"kind": "percent", "percent": round(hundredths)}
    if value["__typename"] == "DiscountAmount" and not value["appliesOnEachItem"]:
        return {"kind": "fixed", "amount": _money(value["amount"])}
    raise _Foreign("a sum off each item" if value["__typename"] == "DiscountAmount" else "a number of items cheaper")


def _date(inner: Mapping[str, Any], name: str) -> datetime | None:
    """Read a date; of a code that the bridge switched off it is kept in a tag."""
    text = inner.get(name)
    if is_off(inner):
        kept = (str(tag) for tag in inner.get("tags") or ())
        text = next((tag.removeprefix(MARKS[name]) for tag in kept if tag.startswith(MARKS[name])), None)
    return None if text in {None, BEGINNING} else moment(str(text))


def _minimum(given: Mapping[str, Any] | None) -> Money | None:
    if given is None:
        return None
    if given["__typename"] != "DiscountMinimumSubtotal":
        raise _Foreign("a minimum of items")
    return _money(given["greaterThanOrEqualToSubtotal"])


def _skus(items: Mapping[str, Any]) -> tuple[str, ...]:
    if items.get("__typename", "AllDiscountItems") == "AllDiscountItems":
        return ()
    if items["__typename"] != "DiscountProducts" or items["products"]["nodes"]:
        raise _Foreign("whole products or collections")
    found = [node.get("sku") for node in items["productVariants"]["nodes"]]
    if items["productVariants"]["pageInfo"]["hasNextPage"] or not all(found):
        raise _Foreign("more than 100 goods, or some without a SKU")
    return tuple(sorted(str(sku) for sku in found))


def _emails(context: Mapping[str, Any]) -> tuple[str, ...]:
    if context["__typename"] == "DiscountBuyerSelectionAll":
        return ()
    if context["__typename"] != "DiscountCustomers":
        raise _Foreign("segments of customers or markets")
    found = [(node.get("defaultEmailAddress") or {}).get("emailAddress") for node in context["customers"]]
    if not all(found):
        raise _Foreign("customers whose addresses are not shown to this app")
    return tuple(sorted(str(email) for email in found))


def _stacks(combines: Mapping[str, bool], kind: str) -> bool:
    named = ["orderDiscounts", "productDiscounts", *(["shippingDiscounts"] if kind == BASIC else [])]
    chosen = {combines[name] for name in named}
    if len(chosen) != 1:
        raise _Foreign("it goes together with some kinds of discount")
    return chosen.pop()


def _money(given: Mapping[str, Any]) -> Money:
    try:
        return Money.rounded(str(need(given, "amount")), str(need(given, "currencyCode")))
    except ValueError as error:
        raise Unreadable(f"{given!r} is no amount") from error
