"""Coupon codes as WooCommerce has them, and back. Pure.

What shaped it (recorded on 11.0.1: coupons 158-173):

- A draft is in no list, is found by no code, and its code may be made a second time. So a code is switched off by an end in
  the past, where it can be looked up and its code stays taken; its true end is kept in our mark.
- `usage_limit` 0 means unlimited, so no uses at all is "switched off", too.
- `date_expires_gmt` is ignored in a body; `date_expires` with a zone is that moment (WC_Data::set_date_prop), without one the
  shop's own time. The code still works in that very second.
- A coupon of a fixed sum is taken off the whole cart once one of its goods is in there, or off each unit: it cannot be limited
  to goods as our terms are. A percentage is taken off its goods alone (WC_Discounts).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from bridge.contract.errors import Refused
from bridge.contract.loyalty import CouponState, CouponWrite
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from connectors.woocommerce.mapping import Row, Unreadable, amount, identifier, meta, moment, need, text_of, whole

__all__ = ["MARK", "coupon_body", "coupon_state", "objections"]

# Our own coupons carry it: what WooCommerce cannot say of our terms, as JSON.
MARK = "_commerce_bridge_coupon"
_OFF = datetime(2000, 1, 1, tzinfo=UTC)
# Read with room for a shop that takes the time for its own, and was moved to another zone since.
_OFF_BEFORE = datetime(2001, 1, 1, tzinfo=UTC)
_SECOND, _INSTANT = timedelta(seconds=1), timedelta(microseconds=1)
_WHOLE_PERCENT = 10_000


class _Mark(msgspec.Struct, omit_defaults=True):
    """The terms' goods with the ids that they were written as, and what stands behind a code that is switched off."""

    skus: list[str] = []
    tags: list[str] = []
    excluded: list[str] = []
    only: list[int] = []
    without: list[int] = []
    ends_at: datetime | None = None
    spent: bool = False


def objections(terms: CouponTerms) -> list[str]:
    """Say what of these terms a WooCommerce coupon cannot express."""
    goods = terms.skus or terms.tags or terms.excluded
    checks = (
        (terms.starts_at is not None, "it has no beginning: a WooCommerce coupon works as soon as it is there"),
        (terms.first_order, "it cannot be kept for a first order"),
        (
            terms.kind == "percent" and not 1 <= terms.percent <= _WHOLE_PERCENT,
            f"{terms.percent / 100:g} % is no discount",
        ),
        (
            terms.kind == "fixed" and (terms.amount is None or terms.amount.minor <= 0),
            "a fixed discount needs an amount",
        ),
        (
            bool(goods) and terms.kind == "fixed",
            "a fixed sum cannot be limited to goods: WooCommerce takes it off the whole cart, or off each unit",
        ),
        (bool(goods) and terms.kind == "free_shipping", "free shipping cannot be limited to goods"),
        (terms.per_customer is not None and terms.per_customer < 1, "a limit per customer begins at 1"),
        (any("*" in email for email in terms.emails), "an address with * stands for many addresses there"),
    )
    return [text for applies, text in checks if applies]


def coupon_body(write: CouponWrite, currency: str) -> dict[str, Any]:
    """Write a code's whole body: what it does not say is cleared. Raises Refused for what must not be written.

    The status is left alone: a coupon that a person put into the trash must not come back with a new limit.
    """
    terms = write.terms
    _check(write, currency)
    only, without = _ids(write.only), _ids(write.excluded)
    spent = write.active and write.limit == 0
    ends_at = terms.ends_at if write.active and not spent else _OFF + _INSTANT
    mark = _Mark(list(terms.skus), list(terms.tags), list(terms.excluded), only, without, terms.ends_at, spent)
    return {
        "code": write.code,
        "discount_type": "percent" if terms.kind == "percent" else "fixed_cart",
        "amount": _amount(terms),
        "free_shipping": terms.kind == "free_shipping",
        # 0 is "as many as one likes" here; a limit of none is written as an end in the past.
        "usage_limit": 1 if write.limit == 0 else write.limit or 0,
        "usage_limit_per_user": terms.per_customer or 0,
        "limit_usage_to_x_items": 0,
        "individual_use": not terms.stacks,
        "minimum_amount": terms.minimum.decimal if terms.minimum else "0",
        "maximum_amount": "0",
        "product_ids": only,
        "excluded_product_ids": without,
        "product_categories": [],
        "excluded_product_categories": [],
        "exclude_sale_items": False,
        "email_restrictions": list(terms.emails),
        "date_expires": f"{_last_second(ends_at):%Y-%m-%dT%H:%M:%SZ}" if ends_at else "",
        "meta_data": [{"key": MARK, "value": msgspec.json.encode(mark).decode()}],
    }


def _check(write: CouponWrite, currency: str) -> None:
    terms = write.terms
    if found := objections(terms):
        raise Refused("; ".join(found))
    for money in (terms.amount if terms.kind == "fixed" else None, terms.minimum):
        if money is not None and money.currency != currency:
            raise Refused(f"{money} is not in the shop's currency, {currency}")
    if (terms.skus or terms.tags) and not write.only:
        raise Refused("none of its goods is listed here, and without any it would take something off all goods")
    if write.limit is not None and (type(write.limit) is not int or write.limit < 0):
        raise Refused(f"a limit of {write.limit!r} uses cannot be set")


def _ids(goods: Iterable[tuple[str, str]]) -> list[int]:
    """A product's id stands for all of its variations, a variation's for itself."""
    texts = [variant or product for product, variant in goods]
    if not all(text.isdecimal() for text in texts):
        raise Refused("one of its goods is no product of WooCommerce: run `bridge link`")
    return sorted({int(text) for text in texts})


def _amount(terms: CouponTerms) -> str:
    if terms.kind == "percent":
        return f"{terms.percent // 100}.{terms.percent % 100:02d}"
    return terms.amount.decimal if terms.kind == "fixed" and terms.amount else "0"


def _last_second(ends_at: datetime) -> datetime:
    """The last second at which a code works that does not work any more at `ends_at`."""
    return (ends_at.astimezone(UTC) - _INSTANT).replace(microsecond=0)


def coupon_state(row: Row, currency: str) -> CouponState:
    """Read a coupon; raises Unreadable where it has no id or no code."""
    mark, expires = _mark(row), moment(row.get("date_expires_gmt"))
    off = expires is not None and expires < _OFF_BEFORE
    terms, foreign = _understood(row, mark, mark.ends_at if off else expires and expires + _SECOND, currency)
    return CouponState(
        code=str(need(row, "code")),
        id=identifier(need(row, "id")),
        limit=0 if off and mark.spent else _number(row, "usage_limit"),
        used=_number(row, "usage_count") or 0,
        active=row.get("status") == "publish" and (not off or mark.spent),
        terms=terms,
        foreign=foreign,
        updated_at=moment(row.get("date_modified_gmt")),
    )


def _understood(row: Row, mark: _Mark, ends_at: datetime | None, currency: str) -> tuple[CouponTerms | None, str]:
    """The terms, or what of them is none of ours."""
    try:
        foreign = "; ".join(_foreign(row, mark))
        return (None if foreign else _terms(row, mark, ends_at, currency)), foreign
    except (Unreadable, ValueError) as error:
        return None, str(error)


def _mark(row: Row) -> _Mark:
    try:
        return msgspec.json.decode(str(meta(row).get(MARK) or "{}"), type=_Mark)
    except msgspec.DecodeError:
        return _Mark()


def _number(row: Row, name: str) -> int | None:
    try:
        return whole(row.get(name), name) or None
    except Unreadable:
        return None


def _foreign(row: Row, mark: _Mark) -> Iterable[str]:
    """What the coupon says and our terms cannot."""
    kind = text_of(row, "discount_type")
    price, ships = amount(row.get("amount"), "amount"), row.get("free_shipping") is True
    checks: Sequence[tuple[object, str]] = (
        (kind == "fixed_product", "it takes a sum off each unit"),
        (kind not in {"percent", "fixed_cart", "fixed_product"}, f"its type is {kind!r}"),
        (ships and price, "it ships free, and takes something off beside"),
        (not ships and price <= 0, "it takes nothing off"),
        (kind == "percent" and (price * 100) % 1, "its percentage is finer than a hundredth"),
        (
            _rest(row),
            "it is limited to categories, to goods that are not on sale, to a highest sum or to a number of units",
        ),
        (any("*" in str(one) for one in row.get("email_restrictions") or ()), "it is for a pattern of addresses"),
        (_changed(row, "product_ids", mark.only), "it is limited to goods chosen in the shop"),
        (_changed(row, "excluded_product_ids", mark.without), "it leaves out goods chosen in the shop"),
    )
    return (text for applies, text in checks if applies)


def _rest(row: Row) -> bool:
    lists = ("product_categories", "excluded_product_categories", "exclude_sale_items", "limit_usage_to_x_items")
    return any(row.get(name) for name in lists) or amount(row.get("maximum_amount"), "maximum_amount") > 0


def _changed(row: Row, name: str, ours: list[int]) -> bool:
    return sorted(int(identifier(one) or 0) for one in row.get(name) or ()) != ours


def _terms(row: Row, mark: _Mark, ends_at: datetime | None, currency: str) -> CouponTerms:
    price, least = amount(row.get("amount"), "amount"), amount(row.get("minimum_amount"), "minimum_amount")
    percent, ships = text_of(row, "discount_type") == "percent", row.get("free_shipping") is True
    return CouponTerms(
        kind="free_shipping" if ships else "percent" if percent else "fixed",
        percent=int(price * 100) if percent and not ships else 0,
        amount=None if percent or ships else _money(price, currency),
        minimum=_money(least, currency) if least > 0 else None,
        ends_at=ends_at,
        skus=tuple(mark.skus),
        tags=tuple(mark.tags),
        excluded=tuple(mark.excluded),
        per_customer=_number(row, "usage_limit_per_user"),
        emails=tuple(str(one) for one in row.get("email_restrictions") or ()),
        stacks=row.get("individual_use") is not True,
    )


def _money(value: Decimal, currency: str) -> Money:
    return Money.parse(format(value, "f"), currency)
