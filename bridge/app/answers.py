"""What the API answers: plain frozen values. Field names and meanings are promises of /api/v1; new fields may join them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.app.loyal_results import BalanceLine, CodeChannel, CodeLine, CodeUseLine, LotLine, PointsMove
from bridge.app.results import HoldLine, MovementLine, PositionLine
from bridge.domain.orders import OrderStatus

__all__ = [
    "ClaimAnswer", "CodeAnswer", "CountAnswer", "CustomerAnswer", "Discount", "EffectLine", "HoldAnswer", "ItemLine", "MovementPage",
    "OrderAnswer", "OrderHead", "OrderPage", "PointsAnswer", "SaleAnswer", "ShelfLine", "SkuAnswer", "SkuHead", "SkuPage",
]  # fmt: skip

HoldAnswer = HoldLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfLine:
    """Units at one place. `available` = balance - held; a kit has no balance of its own, its parts do."""

    place: str
    balance: int | None
    held: int | None
    available: int
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuHead:
    """One SKU in a list."""

    sku: str
    title: str
    places: tuple[ShelfLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuPage:
    """A page of SKUs; `next` is the cursor of the next one, null on the last."""

    items: tuple[SkuHead, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuAnswer:
    """What can be sold of a SKU, and what each channel shows (`age`: seconds since a read last agreed)."""

    sku: str
    title: str
    parts: dict[str, int]
    places: tuple[ShelfLine, ...]
    channels: tuple[PositionLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementPage:
    """A page of movements, newest first."""

    items: tuple[MovementLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHead:
    """One order in a list. `kind`: "mirror" for a copy that the bridge made. `unlinked`: lines of unknown products."""

    channel: str
    id: str
    number: str
    status: OrderStatus
    kind: str
    placed_at: datetime
    updated_at: datetime
    revision: int
    unlinked: int
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """A page of orders, the newest change first."""

    items: tuple[OrderHead, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One line of an order; `held` is null where the platform does not say how many units it has taken off its number."""

    id: str
    sku: str | None
    title: str
    quantity: int
    held: int | None
    refunded: int
    restocked: int | None
    fulfilled: int
    location: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """What an order does to a counter in all; `before` is the part of it from before the ledger opened."""

    sku: str
    place: str
    net: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAnswer:
    """An order by its newest snapshot, without anything about the person. Money in minor units of `currency`."""

    channel: str
    id: str
    number: str
    status: OrderStatus
    kind: str
    placed_at: datetime
    updated_at: datetime
    revision: int
    reference: str | None
    currency: str
    total: int
    refunded: int
    lines: tuple[ItemLine, ...]
    effects: tuple[EffectLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleAnswer:
    """What came of a reported sale.

    booked   it is in the ledger now
    known    this very revision was booked before
    older    a newer revision was booked before, so this one changed nothing
    """

    channel: str
    id: str
    revision: int
    outcome: Literal["booked", "known", "older"]
    effects: tuple[EffectLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountAnswer:
    """What came of a count: `expected` units were to lie there, the ledger moved by `moved`.

    `overtaken`: a count of that later moment is known already, so this one is noted and moved nothing.
    """

    sku: str
    place: str
    quantity: int
    counted_at: datetime
    expected: int
    moved: int
    overtaken: datetime | None
    balance: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAnswer:
    """A person's points, and the codes that some of them are in, or that they invite by. Nothing that says who it is."""

    points: BalanceLine
    codes: tuple[CodeLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsAnswer:
    """A person's points: every lot, the oldest first, and the newest movements."""

    points: BalanceLine
    lots: tuple[LotLine, ...]
    movements: tuple[PointsMove, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What a code takes off: `says` for people; `percent` in hundredths of a percent, or `amount` in minor units of `currency`.

    `minimum` (minor units) is what the goods must cost before it. It is taken off goods of `skus` and `tags` (none: all goods), never
    off those of `excluded`.
    """

    says: str
    kind: Literal["percent", "fixed", "free_shipping"]
    percent: int
    amount: int | None
    currency: str
    minimum: int | None
    skus: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswer:
    """A use of a code that is promised at a channel. `state`: open, used, released or expired."""

    id: str
    code: str
    channel: str
    state: str
    expires_at: datetime | None
    discount: Discount
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAnswer:
    """A code: what it takes off, where it can be used, was used, and what is promised of it."""

    code: CodeLine
    discount: Discount
    channels: tuple[CodeChannel, ...]
    uses: tuple[CodeUseLine, ...]
    claims: tuple[ClaimAnswer, ...]
