"""What a code takes off, as people say it: read into terms, with the currency that is meant where nobody names one."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bridge.app.errors import AppError
from bridge.domain import contacts
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.engine.context import Context

__all__ = ["Asked", "terms_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A discount as it was asked for: one of `percent`, `amount` and `free_shipping`. Sums are decimals of `currency` ("": ours)."""

    percent: Decimal | None = None
    amount: Decimal | None = None
    free_shipping: bool = False
    minimum: Decimal | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    skus: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    first_order: bool = False
    per_customer: int | None = None
    emails: tuple[str, ...] = field(default=(), repr=False)
    stacks: bool = False
    currency: str = ""


def terms_of(context: Context, asked: Asked) -> CouponTerms:
    """Read a discount that was asked for; raises AppError where it is none, or in no certain currency."""
    kinds = [asked.percent is not None, asked.amount is not None, asked.free_shipping]
    if sum(kinds) != 1:
        step = "say --percent 15, --amount 5.00 or --free-shipping"
        raise AppError(
            "a code takes off a percentage, a sum, or the shipping: one of them", next_step=step, exit_code=2
        )
    if asked.per_customer is not None and asked.per_customer < 1:
        raise AppError("a customer has to be able to use it once at least", next_step="leave it out", exit_code=2)
    return CouponTerms(
        kind="percent" if asked.percent is not None else "fixed" if asked.amount is not None else "free_shipping",
        percent=_hundredths(asked.percent), amount=_money(context, asked, asked.amount), minimum=_money(context, asked, asked.minimum),
        starts_at=asked.starts_at, ends_at=asked.ends_at, skus=asked.skus, tags=asked.tags, excluded=asked.excluded,
        first_order=asked.first_order, per_customer=asked.per_customer, emails=tuple(_mail(one) for one in asked.emails),
        stacks=asked.stacks,
    )  # fmt: skip


def _hundredths(percent: Decimal | None) -> int:
    if percent is None:
        return 0
    if not percent.is_finite() or percent * 100 != int(percent * 100):
        raise AppError(f"{percent} % is too fine", next_step="two digits after the point at most", exit_code=2)
    return int(percent * 100)


def _money(context: Context, asked: Asked, amount: Decimal | None) -> Money | None:
    if amount is None:
        return None
    currency = asked.currency or _currency(context)
    try:
        return Money.parse(str(amount), currency)
    except ValueError as error:
        raise AppError(str(error), next_step="such as 5.00", exit_code=2) from error


def _currency(context: Context) -> str:
    """The currency of points, else the one that all channels have."""
    rules = context.rules.loyalty.points
    if rules is not None:
        return rules.currency
    found = sorted({one.currency for one in context.channels.values() if one.currency})
    if len(found) != 1:
        known = f"the channels have {', '.join(found)}" if found else "no channel has told its own"
        raise AppError(
            f"it is not certain which currency is meant: {known}", next_step="say --currency EUR", exit_code=2
        )
    return found[0]


def _mail(text: str) -> str:
    found = contacts.email(text)
    if found is None:
        raise AppError("that is no e-mail address", next_step="such as ann@example.com", exit_code=2)
    return found.value
