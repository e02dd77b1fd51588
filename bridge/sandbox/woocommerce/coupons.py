"""Coupons as far as orders need them: a code, what it takes off, how often it may be used."""

from dataclasses import dataclass, field
from decimal import Decimal

from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.site import Site


@dataclass(slots=True, kw_only=True)
class Coupon:
    """A coupon; `kind` is percent or fixed_cart."""

    id: int
    code: str
    kind: str = "fixed_cart"
    amount: Decimal = Decimal(0)
    limit: int = 0
    used: int = 0
    status: str = "publish"


@dataclass(slots=True)
class Coupons:
    """The shop's coupons by code. 11.0.1 lower-cases codes, 9.9.5 keeps the case; both compare without it."""

    site: Site
    by_code: dict[str, Coupon] = field(default_factory=dict)

    def add(self, code: str, *, kind: str = "fixed_cart", amount: str = "0", limit: int = 0) -> Coupon:
        """Create a coupon."""
        shown = code.lower() if self.site.modern else code
        coupon = Coupon(id=self.site.next_post(), code=shown, kind=kind, amount=Decimal(amount), limit=limit)
        self.by_code[code.lower()] = coupon
        return coupon

    def usable(self, code: str, draft: int) -> Coupon:
        """Return a coupon that may be used; else raise, naming the orphan draft order that 11.0.1 leaves behind."""
        coupon = self.by_code.get(code.lower())
        if coupon is None or coupon.status != "publish":
            tail = "cannot be applied because it does not exist." if self.site.modern else "does not exist!"
            raise self._refusal(f"Coupon &quot;{code}&quot; {tail}", draft)
        if coupon.limit and coupon.used >= coupon.limit:
            raise self._refusal(f"Usage limit for coupon &quot;{coupon.code}&quot; has been reached.", draft)
        return coupon

    def _refusal(self, message: str, draft: int) -> RestError:
        extra = {"new_draft_order_id": draft} if self.site.modern and draft else {}
        return RestError("woocommerce_rest_invalid_coupon", message, 400, **extra)

    def count(self, code: str, change: int) -> None:
        """Count a use, or take one back."""
        coupon = self.by_code.get(code.lower())
        if coupon is not None:
            coupon.used = max(0, coupon.used + change)
