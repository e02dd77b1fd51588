"""The records of code discounts: one discount, its codes, and who used them. Data only; the rules are in `discounts`."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bridge.sandbox.shopify.model import Record, gid

BASIC, SHIPPING = "DiscountCodeBasic", "DiscountCodeFreeShipping"


@dataclass(slots=True, eq=False)
class RedeemCode:
    """One code of a discount."""

    number: int
    code: str

    @property
    def id(self) -> str:
        return gid("DiscountRedeemCode", self.number)


@dataclass(frozen=True, slots=True)
class Use:
    """A code was used at a checkout, by whom (an e-mail address, a phone number or a customer's id)."""

    at: datetime
    code: RedeemCode
    buyer: str


@dataclass(slots=True, eq=False)
class Discount(Record):
    """A code discount. `percentage` is a fraction (0.1), `amount` a sum in the shop's currency; money is Decimal.

    `products` and `variants` are the goods it is limited to, by number; `customers` whose it is (None: everybody's).
    """

    form: str = BASIC
    title: str = ""
    starts_at: datetime = field(kw_only=True)
    ends_at: datetime | None = None
    codes: dict[str, RedeemCode] = field(default_factory=dict)
    percentage: Decimal | None = None
    amount: Decimal | None = None
    each: bool = False
    products: list[int] = field(default_factory=list)
    variants: list[int] = field(default_factory=list)
    customers: list[int] | None = None
    minimum_subtotal: Decimal | None = None
    minimum_quantity: int | None = None
    usage_limit: int | None = None
    once: bool = False
    combines: dict[str, bool] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    recurring: int | None = None
    maximum_shipping: Decimal | None = None
    uses: list[Use] = field(default_factory=list)
    kind = "DiscountCodeNode"

    @property
    def limited(self) -> bool:
        """Whether it is for certain goods only."""
        return bool(self.products or self.variants)

    @property
    def discount_class(self) -> str:
        """ORDER, PRODUCT or SHIPPING: what it is combined by."""
        return "SHIPPING" if self.form == SHIPPING else "PRODUCT" if self.limited else "ORDER"

    def status(self, now: datetime) -> str:
        """Say where it is in its time (recorded: discount-status-time-window-derivation)."""
        if self.ends_at is not None and self.ends_at <= now:
            return "EXPIRED"
        return "SCHEDULED" if self.starts_at > now else "ACTIVE"

    def used(self, code: RedeemCode | None = None, *, until: datetime | None = None, buyer: str = "") -> int:
        """Count the uses: of one code or of all, by one buyer or by all, up to a moment or to now."""
        return sum(
            (code is None or use.code is code) and (until is None or use.at <= until) and buyer in ("", use.buyer)
            for use in self.uses
        )


@dataclass(slots=True, eq=False)
class Import:
    """The ticket of a `discountRedeemCodeBulkAdd`: what became of each code, once it is done."""

    number: int
    discount: Discount
    created_at: datetime
    codes: list[str]
    outcomes: list[tuple[RedeemCode | None, str]] = field(default_factory=list)
    kind = "DiscountRedeemCodeBulkCreation"

    @property
    def id(self) -> str:
        return gid(self.kind, self.number)
