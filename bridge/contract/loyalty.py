"""The ports of customers, points and coupon codes. All three are optional: a platform that lacks one has None there."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from bridge.contract.feed import Feed, Page
from bridge.domain.coupons import CouponTerms
from bridge.domain.people import Customer

__all__ = [
    "CouponResult", "CouponState", "CouponWrite", "CouponsPort", "CustomersPort", "PointsEvent", "PointsPort", "PointsResult",
    "PointsShown", "PointsWrite",
]  # fmt: skip


class CustomersPort(Protocol):
    """Who the channel knows. `changes` is None where the platform cannot say who changed (WooCommerce): `all` finds them."""

    changes: Feed[Customer] | None

    def all(self) -> AsyncIterator[Page[Customer]]:
        """Read every customer."""

    async def get(self, customer_ids: Sequence[str]) -> Sequence[Customer]:
        """Read these customers now; one that is no more is left out."""

    async def find(self, *, email: str = "", phone: str = "") -> Sequence[Customer]:
        """Return the customers with exactly this e-mail address or phone number (E.164); a platform's loose matches are sifted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsWrite:
    """What a channel shows of a customer's points goes from `shown` to `balance` (whole points, never below 0).

    `customer` is the channel's id, `points_id` what points are kept under there ("" = not known: by one of `phones`, or made anew where
    the platform wants an account). `shown` is what we believe it shows, None where it was never read. `key` makes a delta happen once.
    """

    customer: str
    balance: int
    shown: int | None
    key: str
    points_id: str = ""
    phones: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsShown:
    """What is shown to a customer now: None where nothing is. `points_id` is what it is kept under there, as learned: two customers may
    be shown the same points."""

    balance: int | None
    points_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsResult:
    """Outcome of one row: "done" with the number the channel shows now, or why not.

    "stale": it did not show what we believed, and shows `balance` (None: it does not say); "gone": the customer is no more;
    "refused": this row cannot be, for `reason`; "retry": the row is fine, its call failed as a whole. `points_id` as learned.
    """

    customer: str
    kind: Literal["done", "stale", "gone", "refused", "retry"]
    balance: int | None = None
    points_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsEvent:
    """An entry of the channel's own points ledger: `points` were added (below 0: taken) at `at`.

    `kind`: "earn" (by a purchase), "burn" (a reward was made or taken), "release" (a reward given back), "adjust" (a person, or another
    program), "expire", "ours" (a write of this bridge: `key` is that of its row, as the platform gives it back; a key that we never
    used is another bridge's). `customer` is "" where the platform names only `points_id` or `phone`. `order` is the channel's order,
    where one is named.
    """

    id: str
    kind: Literal["earn", "burn", "release", "adjust", "expire", "ours"]
    points: int
    at: datetime
    points_id: str = ""
    customer: str = ""
    order: str = ""
    key: str = ""
    phone: str = field(default="", repr=False)


class PointsPort(Protocol):
    """Where a balance of points is shown. `events` is None where the platform keeps no points ledger of its own."""

    events: Feed[PointsEvent] | None

    async def read(self, writes: Sequence[PointsWrite]) -> Sequence[PointsShown]:
        """Read what is shown now to the customers of these rows, in their order."""

    async def show(self, writes: Sequence[PointsWrite]) -> Sequence[PointsResult]:
        """Write up to Limits.points_batch rows; one result each, in order. Raises TryLater(maybe_applied=True) if the answer was
        lost: where Limits.points_keyed, the same rows may be sent again, else they are read first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponWrite:
    """A code as it should be on the channel.

    `limit` is how many uses the channel may accept in all, counted from its own beginning; None: as many as it likes. `active` False:
    it accepts none any more, whatever `limit` says. `only` and `excluded` are the goods it is limited to, as (product id, variant id)
    of the channel, made from the terms' SKUs and tags. `id` is the channel's, "" where the code is not there yet.
    `group` names the campaign of a code whose terms are the same for many codes, `group_id` the channel's id of what holds them
    there ("" = not made yet, or no such thing there). `one_person`: the addresses in its terms are all one person's, so those that
    the channel knows will do.
    """

    code: str
    terms: CouponTerms
    limit: int | None = None
    active: bool = True
    only: tuple[tuple[str, str], ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()
    id: str = ""
    group: str = ""
    group_id: str = ""
    one_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponResult:
    """Outcome of one code.

    "done" (`id`, and `group_id` where it has one); "later": the platform is still at work, look it up; "taken": another coupon of this
    code is there already (`id` names it where known); "gone": the id is no more; "refused": for `reason`; "retry": the row is fine,
    its call failed as a whole for another row.
    """

    code: str
    kind: Literal["done", "later", "taken", "gone", "refused", "retry"]
    id: str = ""
    group_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponState:
    """A code as the channel has it. `used` is the channel's own count (None: it does not say; it may lag, and is no lock).

    `terms` is None where the channel's coupon says something that our terms cannot; `foreign` says what.
    """

    code: str
    id: str
    group_id: str = ""
    limit: int | None = None
    used: int | None = None
    active: bool = True
    terms: CouponTerms | None = None
    foreign: str = ""
    updated_at: datetime | None = None


class CouponsPort(Protocol):
    """Codes that buyers type in on the channel. Writing a code as it is already is harmless."""

    def objections(self, terms: CouponTerms) -> Sequence[str]:
        """Say what of these terms the platform cannot express (pure); such a code is not written there, never loosened."""

    def batches(self, writes: Sequence[CouponWrite]) -> Sequence[Sequence[CouponWrite]]:
        """Split rows into calls: pure, at the floor of the platform."""

    async def write(self, writes: Sequence[CouponWrite], key: str) -> Sequence[CouponResult]:
        """Create or change one batch; one result each, in order. Raises TryLater(maybe_applied=True) if the answer was lost: the
        engine looks the codes up (`find`) before it writes them again."""

    async def find(self, codes: Sequence[str]) -> Sequence[CouponState]:
        """Look these codes up, in whatever case they are written there; one that is not there is left out."""

    def all(self) -> AsyncIterator[Page[CouponState]]:
        """Read every code of the channel that is not in the trash."""
