"""A code as Shopify's discount input: pure. What cannot be said there is named, and never loosened.

Update inputs change what they carry: lists of goods and of customers are added to and taken from, an explicit null clears a field
(2026-10 schema, DiscountCodeBasicInput).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.loyalty import CouponWrite
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from connectors.shopify.limits import CODES_A_CALL
from connectors.shopify.mapping import gid

__all__ = [
    "BASIC",
    "BEGINNING",
    "MARKS",
    "OVER",
    "SHIPPING",
    "Known",
    "accepts",
    "discount_input",
    "kind_of",
    "objections",
    "title_of",
]

BASIC, SHIPPING = "DiscountCodeBasic", "DiscountCodeFreeShipping"
# A discount has to begin at some time. These stand for "always has" and for "was over before anybody could use it".
BEGINNING, OVER = "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z"
MARKS = {"startsAt": "bridge-starts ", "endsAt": "bridge-ends "}
_MOST_USES = 2**31 - 1
_COMBINES = ("orderDiscounts", "productDiscounts", "shippingDiscounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is looked up before a discount is written: its customers by address, and what an existing one is limited to."""

    currency: str
    customers: Mapping[str, str]
    had_customers: tuple[str, ...] = ()
    had_products: tuple[str, ...] = ()
    had_variants: tuple[str, ...] = ()


def objections(terms: CouponTerms) -> list[str]:
    """Say what of these terms Shopify cannot express."""
    found = []
    if terms.per_customer not in {None, 1}:
        found.append(f"{terms.per_customer} uses a customer: Shopify knows once a customer, or as often as one likes")
    if terms.first_order:
        found.append("for first orders only: Shopify's codes do not ask what somebody bought before")
    if terms.excluded:
        found.append("goods that it never works for: Shopify can only name those that it works for")
    if terms.kind == "free_shipping" and (terms.skus or terms.tags):
        found.append("free shipping for certain goods: Shopify gives it for the order")
    if terms.kind == "percent" and not 0 < terms.percent <= 10_000:
        found.append(f"{terms.percent / 100:g} percent: more than 0 and up to 100")
    if terms.kind == "fixed" and (terms.amount is None or terms.amount.minor <= 0):
        found.append("a fixed sum that is not above zero")
    if len(terms.emails) > CODES_A_CALL:
        found.append(f"{len(terms.emails)} addresses: Shopify takes {CODES_A_CALL} customers for a code")
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        found.append("an end that is not after its beginning")
    return found


def accepts(write: CouponWrite) -> bool:
    """Whether the code is to work at all: Shopify has no limit of 0."""
    return write.active and (write.limit is None or write.limit > 0)


def kind_of(terms: CouponTerms) -> str:
    """Return Shopify's type for these terms."""
    return SHIPPING if terms.kind == "free_shipping" else BASIC


def title_of(group: str) -> str:
    """Return the title by which a campaign's discounts are found again."""
    return f"bridge: {group}"[:255]


def discount_input(write: CouponWrite, known: Known) -> dict[str, Any]:
    """Return the terms as input, for a new discount and for one that is there; raises Refused."""
    terms = write.terms
    faults = objections(terms)
    if faults:
        raise Refused(
            f"Shopify cannot say: {'; '.join(faults)}", next_step="change the terms, or leave this channel out"
        )
    if write.limit is not None and write.limit > _MOST_USES:
        raise Refused(f"{write.limit} uses are more than Shopify counts")
    given: dict[str, Any] = {
        "startsAt": _stamp(terms.starts_at) if terms.starts_at else BEGINNING,
        "endsAt": _stamp(terms.ends_at) if terms.ends_at else None,
        "usageLimit": write.limit,
        "appliesOncePerCustomer": terms.per_customer == 1,
        "combinesWith": _combines(terms),
        **_context(write, known),
        "minimumRequirement": _minimum(terms, known.currency),
    }
    if not accepts(write):
        # Whether it works is a matter of its dates alone: those it had are kept in its tags, so that it can come back.
        kept = [f"{word}{given[name]}" for name, word in MARKS.items() if given[name] and given[name] != BEGINNING]
        given |= {"startsAt": BEGINNING, "endsAt": OVER, "usageLimit": write.limit or None, "tags": kept}
    if kind_of(terms) == SHIPPING:
        return {**given, "destination": {"all": True}}
    gets = {"value": _value(terms, known.currency), **_items(write, known)}
    return {**given, "customerGets": gets}


def _combines(terms: CouponTerms) -> dict[str, bool]:
    # Two discounts on shipping are never combined (recorded: discount-combines-with-validation, 2026-04).
    never = "shippingDiscounts" if kind_of(terms) == SHIPPING else ""
    return {name: terms.stacks and name != never for name in _COMBINES}


def _context(write: CouponWrite, known: Known) -> dict[str, Any]:
    terms = write.terms
    if not terms.emails:
        return {"context": {"all": "ALL"}}
    missing = [email for email in terms.emails if email not in known.customers]
    if missing and not (write.one_person and len(missing) < len(terms.emails)):
        # The text is shown and stored: it must not carry the addresses themselves.
        raise Refused(
            f"{len(missing)} of the {len(terms.emails)} people it is for are no customers of this shop",
            next_step="make them customers in the shop's admin (by their e-mail addresses), then `bridge coupon push` with the code",
        )
    wanted = list(dict.fromkeys(known.customers[email] for email in terms.emails if email in known.customers))
    changed = _difference(wanted, known.had_customers, "add", "remove")
    return {"context": {"customers": changed}} if changed else {}


def _minimum(terms: CouponTerms, currency: str) -> dict[str, Any] | None:
    if terms.minimum is None:
        return None
    return {"subtotal": {"greaterThanOrEqualToSubtotal": _sum(terms.minimum, currency)}}


def _value(terms: CouponTerms, currency: str) -> dict[str, Any]:
    if terms.kind == "percent":
        return {"percentage": terms.percent / 10_000}
    assert terms.amount is not None, "objections() names a fixed sum that is missing"
    return {"discountAmount": {"amount": _sum(terms.amount, currency), "appliesOnEachItem": False}}


def _items(write: CouponWrite, known: Known) -> dict[str, Any]:
    if not write.only:
        if write.terms.skus or write.terms.tags:
            raise Refused(
                "it is for certain goods, and none of them is listed here: it would work for all goods",
                next_step="link its goods to this channel (`bridge link`), or leave this channel out",
            )
        return {"items": {"all": True}}
    if len(write.only) > CODES_A_CALL:
        raise Refused(f"{len(write.only)} goods: Shopify takes {CODES_A_CALL} for a code", next_step="take fewer")
    variants = [gid("ProductVariant", variant) for _, variant in write.only if variant]
    products = [gid("Product", product) for product, variant in write.only if not variant]
    changed = {
        **_difference(variants, known.had_variants, "productVariantsToAdd", "productVariantsToRemove"),
        **_difference(products, known.had_products, "productsToAdd", "productsToRemove"),
    }
    return {"items": {"products": changed}} if changed else {}


def _difference(wanted: Sequence[str], had: Sequence[str], add: str, remove: str) -> dict[str, list[str]]:
    new = [one for one in dict.fromkeys(wanted) if one not in had]
    gone = [one for one in had if one not in wanted]
    return {**({add: new} if new else {}), **({remove: gone} if gone else {})}


def _sum(amount: Money, currency: str) -> str:
    if amount.currency != currency:
        raise Refused(
            f"{amount} in a shop whose currency is {currency}", next_step=f"state the code's sums in {currency} too"
        )
    return amount.decimal


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
