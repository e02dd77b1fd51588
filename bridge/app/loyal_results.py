"""What is told of customers, points and codes: plain frozen values, printed by commands and served by the API as they are."""

from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "BalanceLine",
    "CampaignMade",
    "CampaignStatus",
    "ClaimLine",
    "CodeChannel",
    "CodeLine",
    "CodeStatus",
    "CodeUseLine",
    "ContactLine",
    "CustomerExport",
    "CustomerLine",
    "CustomerView",
    "Liability",
    "LotLine",
    "MergeLine",
    "Merged",
    "PersonLine",
    "PointsMove",
    "Redeemed",
    "TakenCode",
    "TakenOver",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLine:
    """A contact, masked unless its owner's data is exported."""

    kind: str
    value: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    """A person's points. `spendable` = balance less what is pending (the return window) and held (in open codes), never below 0."""

    person: str
    balance: int
    spendable: int
    pending: int
    held: int
    debt: int
    worth: str = ""
    tier: str = ""
    next_expiry: datetime | None = None
    next_expiring: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLine:
    """Points that were earned together, and what became of them."""

    id: str
    earned: int
    kept: int
    left: int
    expired: int
    earned_at: datetime
    spendable_at: datetime
    expires_at: datetime | None
    because: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsMove:
    """A movement of points, newest first in lists; `balance` after it."""

    at: datetime
    why: str
    change: int
    balance: int
    channel: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLine:
    """A channel's record of a person, and the points it shows them."""

    channel: str
    customer_id: str
    shown: int | None
    target: int | None
    consent: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeLine:
    """Somebody who became this person; `bridge customer unmerge PERSON NUMBER` takes it back."""

    number: int
    gone: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """A person: contacts, accounts, points with every lot, and codes. `orders` are (channel, id)."""

    person: str
    created_at: datetime | None
    contacts: tuple[ContactLine, ...]
    accounts: tuple[CustomerLine, ...]
    points: BalanceLine
    lots: tuple[LotLine, ...]
    moves: tuple[PointsMove, ...]
    codes: tuple["CodeLine", ...]
    orders: tuple[tuple[str, str], ...]
    merges: tuple[MergeLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Two persons became one, or two again."""

    kept: str
    gone: str
    points: BalanceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Liability:
    """What was owed to customers at a moment: points, what they are worth, how many persons have any; `debt` is owed by them.

    `forgotten` are points of persons who have asked to be forgotten since: nobody can spend them, and they are in no other number.
    """

    at: datetime
    points: int
    debt: int
    persons: int
    worth: str = ""
    forgotten: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    """A code in a list. `left` None: it can be used without limit. `state`: open, used up, closed, ended."""

    code: str
    campaign: str
    kind: str
    says: str
    policy: str
    uses: int | None
    left: int | None
    state: str
    ends_at: datetime | None
    person: str | None = None
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChannel:
    """A code on a channel: what it may accept and has accepted there. `state`: there, being written, off, by claim, refused, absent."""

    channel: str
    state: str
    limit: int | None
    used: int
    allotted: int | None = None
    claims: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUseLine:
    """An order, or a claim, that used a code; `count` 0: it was cancelled and the use given back."""

    channel: str
    order_id: str
    at: datetime | None
    count: int
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """A use that is promised at a channel: `discount` is what to take off there."""

    id: str
    code: str
    channel: str
    state: str
    expires_at: datetime | None
    discount: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStatus:
    """Where a code can be used, was used, and by which order."""

    code: CodeLine
    channels: tuple[CodeChannel, ...]
    uses: tuple[CodeUseLine, ...]
    claims: tuple[ClaimLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignMade:
    """Codes that were made. `refused`: (channel, reason) where the terms cannot be expressed; it was not made there. `alike`: other
    codes that this one is easily taken for where it is typed in."""

    campaign: str
    codes: int
    first: tuple[str, ...]
    says: str
    refused: tuple[tuple[str, str], ...] = ()
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStatus:
    """How the codes of a campaign stand. `used` of them were used at all, by `uses` orders; those used up are neither open nor closed."""

    campaign: str
    says: str
    policy: str
    each: int | None
    codes: int
    used: int
    uses: int
    open: int
    closed: int
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """Points that became a code."""

    code: str
    person: str
    points: int
    discount: str
    ends_at: datetime | None
    channels: tuple[str, ...]
    balance: BalanceLine
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """A person in a list, with the contact that tells them from others, masked."""

    person: str
    since: datetime | None
    contact: str
    channels: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerExport:
    """All that is stored about a person, in the clear: what to send to somebody who asks for their data."""

    customer: CustomerView
    orders: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenCode:
    """A code that a shop had already. `state`: taken (ours from now on), joined (ours already, this shop's counts too), known, foreign
    (left to the shop, for `reason`). `left` None: without limit."""

    code: str
    state: str
    says: str = ""
    used: int = 0
    left: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """The codes of a shop, and what became of each."""

    channel: str
    codes: tuple[TakenCode, ...]

    @property
    def exit_code(self) -> int:
        """3 where a code that was asked for stays the shop's."""
        return 3 if any(one.state == "foreign" for one in self.codes) else 0
