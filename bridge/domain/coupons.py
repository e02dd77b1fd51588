"""Coupons: a code's terms are a document, its remaining uses a counter (design, section 6)."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.domain.ledger import Counter
from bridge.domain.money import Money

__all__ = ["CouponKind", "CouponPolicy", "CouponTerms", "normal_code", "typed_code", "uses", "valid_code"]

CouponKind = Literal["percent", "fixed", "free_shipping"]
CouponPolicy = Literal["shared", "split", "claim"]

# Fits every platform: eBay's coded coupons are the narrowest (8-15 letters and digits, sell_marketing).
_CODE = re.compile(r"^[A-Z0-9][A-Z0-9_-]{2,39}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponTerms:
    """What a code takes off, and for whom.

    `percent` is in hundredths of a percent (15 % = 1500), `amount` the fixed sum; the other one is 0 or None. `minimum` is what
    the goods must cost before the code. Times are UTC; `ends_at` is the first moment at which the code does not work any more.
    `skus` and `tags` limit the goods that it takes something off (none: all goods), `excluded` are SKUs it never does.
    `per_customer` is how often one customer may use it, `emails` whose it is (none: everybody's; `repr` shows none), `stacks`
    whether other codes may be used beside it.
    """

    kind: CouponKind
    percent: int = 0
    amount: Money | None = None
    minimum: Money | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    skus: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    first_order: bool = False
    per_customer: int | None = None
    emails: tuple[str, ...] = field(default=(), repr=False)
    stacks: bool = False

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies of the sums in it: none of a percentage without a minimum."""
        return frozenset(one.currency for one in (self.amount, self.minimum) if one is not None)


def normal_code(code: str) -> str:
    """A code as it is compared and kept: platforms do not tell "autumn15" from "AUTUMN15"."""
    return code.strip().upper()


def typed_code(text: str) -> str:
    """A code as somebody typed or pasted it: without blanks and what is not to be seen, full-width letters as plain ones."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(one for one in plain if not one.isspace() and unicodedata.category(one) != "Cf").upper()


def valid_code(code: str) -> bool:
    """Whether a normal code can be had on every platform."""
    return bool(_CODE.match(code))


def uses(code: str) -> Counter:
    """The counter of the uses that are left on a code."""
    return Counter("uses", normal_code(code))
