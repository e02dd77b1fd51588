"""Coupons: what they take off and for whom, who has used them, and the checks at the checkout. No HTTP.

Source of the rules: class-wc-discounts.php, class-wc-coupon.php and class-wc-cart.php of the plugin; behaviour recorded on 11.0.1."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from bridge.sandbox.woocommerce.catalogue import TRASH
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.site import Recency, Site

KINDS = ("percent", "fixed_cart", "fixed_product")
# A list shows what is published; drafts are in none, and their code is nobody's (recorded, coupons 169 and 170).
LISTED = ("publish", "private")


@dataclass(slots=True, kw_only=True)
class Coupon:
    """A coupon. `limit`, `per_user` and `x_items` of 0 are none; `expires` is in epoch seconds, the last second at which it works."""

    id: int
    code: str
    created: int = 0
    modified: int = 0
    status: str = "publish"
    kind: str = "fixed_cart"
    amount: Decimal = Decimal(0)
    description: str = ""
    expires: int | None = None
    used: int = 0
    used_by: list[str] = field(default_factory=list)
    limit: int = 0
    per_user: int = 0
    x_items: int = 0
    alone: bool = False
    products: list[int] = field(default_factory=list)
    excluded: list[int] = field(default_factory=list)
    categories: list[int] = field(default_factory=list)
    excluded_categories: list[int] = field(default_factory=list)
    no_sale_items: bool = False
    free_shipping: bool = False
    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(0)
    emails: list[str] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    trashed_from: str = ""

    @property
    def by_line(self) -> bool:
        """Tell whether it is taken off single lines (wc_get_product_coupon_types), not off the whole cart."""
        return self.kind != "fixed_cart"

    def suits(self, item: "Item") -> bool:
        """Tell whether it takes something off this line: WC_Coupon::is_valid_for_product."""
        wanted = not self.products or bool(item.ids & set(self.products))
        return wanted and not item.ids & set(self.excluded) and not (self.no_sale_items and item.on_sale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of a basket as coupons see it: the ids of its product and of that one's parent, and what it costs."""

    ids: frozenset[int]
    name: str
    subtotal: Decimal
    on_sale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What a coupon is checked against. `customer` is the account's id, 0 for a guest; `emails` are the account's and the bill's."""

    items: tuple[Item, ...]
    customer: int = 0
    emails: tuple[str, ...] = ()

    @property
    def subtotal(self) -> Decimal:
        """Return what the goods cost before any coupon."""
        return sum((item.subtotal for item in self.items), Decimal(0))


@dataclass(slots=True)
class Coupons:
    """The shop's coupons. 11.0.1 lower-cases codes, 9.9.5 keeps the case; both compare without it."""

    site: Site
    rows: dict[int, Coupon] = field(default_factory=dict)
    changes: Recency = field(default_factory=Recency)
    # The coupons that have, or once had, a code: a shop with a hundred thousand of them is not read through for each.
    _named: dict[str, list[int]] = field(default_factory=dict)

    def new(self, code: str) -> Coupon:
        """Make a coupon and give it an id; `store` puts it into the shop."""
        now = self.site.clock()
        return Coupon(id=self.site.next_post(), code=self.shown(code), created=now, modified=now)

    def shown(self, code: str) -> str:
        """Return a code as this version writes it."""
        return code.lower() if self.site.modern else code

    def store(self, coupon: Coupon) -> None:
        """Put a new coupon into the shop."""
        self.rows[coupon.id] = coupon
        self._name(coupon)
        self.changes.touch(coupon.id, coupon.modified)
        self.site.emit("coupon.created", coupon.id)

    def _name(self, coupon: Coupon) -> None:
        known = self._named.setdefault(coupon.code.lower(), [])
        if coupon.id not in known:
            known.append(coupon.id)

    def save(self, coupon: Coupon, *, moved: bool) -> None:
        """Save a change. The date moves only with code, description or status (recorded: coupons 165-168, deliveries 033)."""
        self._name(coupon)
        if moved:
            coupon.modified = self.site.clock()
            self.changes.touch(coupon.id, coupon.modified)
        self.site.emit("coupon.updated", coupon.id)

    def trash(self, coupon: Coupon) -> None:
        """Move to the trash; its code is free then."""
        coupon.trashed_from, coupon.status, coupon.modified = coupon.status, TRASH, self.site.clock()
        trail = {"_wp_trash_meta_status": coupon.trashed_from, "_wp_trash_meta_time": str(coupon.modified)}
        trail["_wp_desired_post_slug"] = coupon.code.lower()
        coupon.meta.extend(Meta(self.site.next_meta(), key, value) for key, value in trail.items())
        self.changes.touch(coupon.id, coupon.modified)
        self.site.emit("coupon.deleted", coupon.id)

    def delete(self, coupon: Coupon) -> None:
        """Delete for ever; nothing is announced."""
        del self.rows[coupon.id]
        self.changes.forget(coupon.id)

    def by_code(self, code: str, apart_from: int = 0) -> Coupon | None:
        """Return the newest published coupon of a code: wc_get_coupon_id_by_code knows no others."""
        known = sorted(self._named.get(code.lower(), ()), reverse=True)
        rows = (self.rows[key] for key in known if key in self.rows and key != apart_from)
        return next((row for row in rows if row.status == "publish" and row.code.lower() == code.lower()), None)

    def listed(self) -> Iterator[Coupon]:
        """Yield what lists show."""
        return (row for row in self.rows.values() if row.status in LISTED)

    def usable(self, code: str, basket: Basket, draft: int = 0) -> Coupon:
        """Return a coupon that may be used; else raise, naming the orphan draft order that 11.0.1 leaves behind."""
        coupon = self.by_code(code)
        if coupon is None:
            tail = "cannot be applied because it does not exist." if self.site.modern else "does not exist!"
            raise self._refusal(f"Coupon &quot;{code}&quot; {tail}", draft)
        for check in _CHECKS:
            if message := check(coupon, basket, self.site.clock()):
                raise self._refusal(message.format(code=coupon.code), draft)
        return coupon

    def _refusal(self, message: str, draft: int) -> RestError:
        extra = {"new_draft_order_id": draft} if self.site.modern and draft else {}
        return RestError("woocommerce_rest_invalid_coupon", message, 400, **extra)

    def count(self, code: str, change: int, used_by: str = "") -> None:
        """Count a use, or take one back: by plain SQL, so no date moves and nothing is announced (observed)."""
        coupon = self.by_code(code)
        if coupon is None:
            return
        coupon.used = max(0, coupon.used + change)
        if change > 0 and used_by:
            coupon.used_by.append(used_by)
        elif used_by in coupon.used_by:
            coupon.used_by.remove(used_by)


# In the order of WC_Discounts::is_coupon_valid; what is wrong, or "".


def _used_up(coupon: Coupon, _: Basket, __: int) -> str:
    reached = coupon.limit and coupon.used >= coupon.limit
    return "Usage limit for coupon &quot;{code}&quot; has been reached." if reached else ""


def _used_by_them(coupon: Coupon, basket: Basket, _: int) -> str:
    known = {str(basket.customer)} if basket.customer else set()
    known |= {email.lower() for email in basket.emails}
    times = sum(one.lower() in known for one in coupon.used_by)
    reached = coupon.per_user and times >= coupon.per_user
    return "Usage limit for coupon &quot;{code}&quot; has been reached." if reached else ""


def _expired(coupon: Coupon, _: Basket, now: int) -> str:
    return "Coupon &quot;{code}&quot; has expired." if coupon.expires is not None and now > coupon.expires else ""


def _too_little(coupon: Coupon, basket: Basket, _: int) -> str:
    least = f"The minimum spend for coupon &quot;{{code}}&quot; is {coupon.minimum}."
    return least if coupon.minimum > basket.subtotal else ""


def _too_much(coupon: Coupon, basket: Basket, _: int) -> str:
    most = f"The maximum spend for coupon &quot;{{code}}&quot; is {coupon.maximum}."
    return most if 0 < coupon.maximum < basket.subtotal else ""


def _other_goods(coupon: Coupon, basket: Basket, _: int) -> str:
    named = not coupon.products or any(item.ids & set(coupon.products) for item in basket.items)
    suited = not coupon.by_line or any(coupon.suits(item) for item in basket.items)
    return "" if named and suited else "Sorry, coupon &quot;{code}&quot; is not applicable to selected products."


def _excluded_goods(coupon: Coupon, basket: Basket, _: int) -> str:
    """A coupon of the whole cart is refused where one of its goods is excluded: validate_coupon_eligible_items."""
    found = [item.name for item in basket.items if item.ids & set(coupon.excluded)]
    if coupon.by_line or not found:
        return ""
    return f"Sorry, coupon &quot;{{code}}&quot; is not applicable to the products: {', '.join(found)}."


def _not_theirs(coupon: Coupon, basket: Basket, _: int) -> str:
    allowed = [re.compile(re.escape(email.lower()).replace(r"\*", "(.*)?")) for email in coupon.emails]
    theirs = any(one.fullmatch(email.lower()) for one in allowed for email in basket.emails)
    return "" if theirs or not allowed else "Please enter a valid email to use coupon code &quot;{code}&quot;."


_CHECKS: tuple[Callable[[Coupon, Basket, int], str], ...] = (
    _used_up, _used_by_them, _expired, _too_little, _too_much, _other_goods, _excluded_goods, _not_theirs,
)  # fmt: skip
