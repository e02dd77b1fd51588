"""Making codes: one, many of a campaign, or one out of points; and promises of a use at a till, which has no codes of its own."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.domain.coupons import CouponTerms, typed_code, uses
from bridge.domain.earning import PointsRules
from bridge.domain.ledger import Movement
from bridge.domain.money import Money, exponent
from bridge.domain.points import points
from bridge.engine import accounts, codes, rewards
from bridge.engine.context import Context
from bridge.engine.desk import Desk
from bridge.store import code_listings, code_uses, ledger, people
from bridge.store import coupons as store
from bridge.store import points as point_store
from bridge.store.code_uses import Claim, CodeUse
from bridge.store.coupons import Campaign, Coupon
from bridge.store.points import SpendRow

__all__ = [
    "ALPHABET", "add_codes", "alike", "capture", "claim", "close", "free_uses", "lookup", "new_code", "redeem", "release", "reopen",
    "worth",
]  # fmt: skip

# Crockford's: no I, L, O and U, which are read as other characters when a code is typed in.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKE = {character: group for group in ("0O", "1IL") for character in group}
# So many spellings of a code are tried at most; a word of a campaign has some dozens, a drawn code two or three.
_SPELLINGS = 2_000
_AT_ONCE = 1_000
_ROUNDS = 100


def new_code(context: Context, prefix: str, length: int) -> str:
    """Draw a code of `length` characters, the prefix among them."""
    return prefix + "".join(context.rng.choice(ALPHABET) for _ in range(length - len(prefix)))


def add_codes(context: Context, campaign: Campaign, count: int, prefix: str, length: int) -> Iterator[int]:
    """Make the codes that a campaign lacks, some at a time; yield how many it has. What an earlier run made is not made again.

    Ends below `count` where no further code of this prefix and length is free.
    """

    def unit(connection: Connection) -> int:
        known = store.count(connection, campaign.name)
        drawn = _draw(connection, context, min(_AT_ONCE, count - known), prefix, length)
        rows = [Coupon(code=code, campaign=campaign.name, created_at=context.now()) for code in sorted(drawn)]
        if rows:
            fresh = store.campaign(connection, campaign.name) is None
            codes.create(connection, context, campaign, rows, fresh=fresh)
        return known + len(rows)

    before, done = -2, -1
    while before < done < count:
        before, done = done, context.database.write(unit)
        yield done


def _draw(connection: Connection, context: Context, wanted: int, prefix: str, length: int) -> set[str]:
    """Draw so many codes that nobody has, or fewer: where next to none are left, it must not look for them for ever."""
    drawn: set[str] = set()
    for _ in range(_ROUNDS):
        drawn.update(new_code(context, prefix, length) for _ in range(wanted - len(drawn)))
        drawn -= store.find(connection, drawn).keys()
        if len(drawn) >= wanted:
            break
    return drawn


def lookup(connection: Connection, text: str) -> Coupon | None:
    """Return the code that somebody typed in, in any case; unknown ones are read with characters that look alike, if just one is meant."""
    code = typed_code(text)
    found = list(store.find(connection, [code]).values()) or alike(connection, code)
    return found[0] if len(found) == 1 else None


def alike(connection: Connection, text: str) -> list[Coupon]:
    """Return the other codes that a code is easily taken for, in order."""
    code = typed_code(text)
    found = store.find(connection, _spellings(code))
    return [found[name] for name in sorted(found.keys() - {code})]


def _spellings(code: str) -> list[str]:
    """Every way to write a code with 0 for O, 1 for I, and so on: a prefix is a word, what was drawn has digits only."""
    groups = [_LOOK_ALIKE.get(one, one) for one in code]
    many = math.prod(len(one) for one in groups)
    return ["".join(one) for one in itertools.product(*groups)] if many <= _SPELLINGS else []


def worth(rules: PointsRules, units: int) -> Money:
    """What points are worth when they are spent: whole minor units, the rest of a cent is the merchant's."""
    from fractions import Fraction

    return Money(int(Fraction(rules.value) * units * 10 ** exponent(rules.currency)), rules.currency)


def redeem(
    connection: Connection, context: Context, person: str, units: int, amount: Money, channels: Sequence[str], code: str
) -> Coupon:
    """Turn points into a code that can be used once. They are held while it is open; the caller has seen that they are free."""
    now = context.now()
    ends = now + context.rules.loyalty.lasts
    terms = CouponTerms(kind="fixed", amount=amount, ends_at=ends, emails=_mails(connection, person))
    campaign = Campaign(
        name=code, terms=terms, policy="split" if len(channels) == 1 else "shared", channels=tuple(channels), uses=1, restore=True,
        kind="points", created_at=now, note=f"{units} points",
    )  # fmt: skip
    hold = context.new_key().replace("-", "")[:12]
    ledger.hold(connection, hold, points(person), units, created_at=now, expires_at=ends, note=f"code {code}")
    row = Coupon(code=code, campaign=code, person=person, points=units, hold=hold, created_at=now)
    codes.create(connection, context, campaign, [row])
    _account(connection, context, person)
    return row


def _mails(connection: Connection, person: str) -> tuple[str, ...]:
    """All addresses of a person, for each shop may know another one; those that a shop has verified come first."""
    found = [one for one in people.contacts_of(connection, person) if one.kind == "email"]
    return tuple(one.value for one in sorted(found, key=lambda one: not one.verified))


def close(connection: Connection, context: Context, coupon: Coupon) -> None:
    """Take a code out of use everywhere; points in it that nobody has spent are free again."""
    store.close(connection, [coupon.code], context.now())
    if coupon.hold is not None:
        ledger.release_hold(connection, coupon.hold)
    for one in code_uses.claims_of(connection, [coupon.code]):
        code_uses.change_claim(connection, one.id, "released")
        ledger.release_hold(connection, one.id)
    codes.settle(connection, context, [coupon.code])
    if coupon.person:
        _account(connection, context, coupon.person)


def reopen(connection: Connection, context: Context, coupon: Coupon, channel: str = "") -> None:
    """Write a code again wherever it was refused or deleted by hand: on one channel, or on all ("")."""
    found = code_listings.find_listings(connection, [coupon.code]).get(coupon.code, {}).values()
    rows = [row for row in found if channel in {"", row.channel}]
    code_listings.save_listings(connection, [codes.anew(context, row) for row in rows])
    codes.settle(connection, context, [coupon.code])


def free_uses(connection: Connection, terms: Campaign, coupon: Coupon, channel: str) -> int | None:
    """How many uses may be promised at a channel: what is left, less what was promised, and less what other channels may still accept
    (not with `shared`); with `claim`, by promises that are over, and whose limits are not known to be out of force."""
    if terms.uses is None:
        return None
    claims = code_uses.claims_of(connection, [coupon.code])
    left = ledger.balances(connection, [uses(coupon.code)]).get(uses(coupon.code), 0) - len(claims)
    if terms.policy == "shared":
        return left
    promised = Counter(one.channel for one in claims if terms.policy == "claim")
    counted = code_uses.used_by(connection, [coupon.code]).get(coupon.code, {})
    rows = code_listings.find_listings(connection, [coupon.code]).get(coupon.code, {})
    others = sum(
        max(0, max(row.ceiling, row.allotted) - counted.get(name, 0) - promised[name])
        for name, row in rows.items()
        if name != channel
    )
    return left - others


def claim(
    connection: Connection, context: Context, coupon: Coupon, channel: str, ends: datetime, person: str = ""
) -> Claim:
    """Promise a use at a channel until `ends`; the caller has seen that one is free."""
    now = context.now()
    one = Claim(
        id=context.new_key().replace("-", "")[:12], code=coupon.code, channel=channel, person=person, created_at=now, expires_at=ends
    )  # fmt: skip
    code_uses.add_claim(connection, one)
    ledger.hold(connection, one.id, uses(coupon.code), 1, created_at=now, expires_at=ends, note=f"claimed at {channel}")
    codes.settle(connection, context, [coupon.code])
    return one


def release(connection: Connection, context: Context, one: Claim) -> None:
    """Give a promised use back."""
    code_uses.change_claim(connection, one.id, "released")
    ledger.release_hold(connection, one.id)
    codes.settle(connection, context, [one.code])


def capture(connection: Connection, context: Context, one: Claim, order_id: str) -> None:
    """A promised use was made, by an order of a channel that cannot tell us the code. Told twice, it counts once."""
    now, coupon = context.now(), store.find(connection, [one.code])[one.code]
    source = order_id or f"claim/{one.id}"
    desk = Desk(connection, context, now)
    desk.move(
        Movement(
            counter=uses(one.code), delta=-1, why="sale", unique=f"claim/{one.id}", channel=one.channel, source=source, occurred_at=now,
            note=f"claimed at {one.channel}" + (f", order {order_id}" if order_id else ""),
        )
    )  # fmt: skip
    use = CodeUse(
        channel=one.channel,
        order_id=source,
        code=one.code,
        person=one.person,
        counted_there=0,
        at=now,
        note=f"claim {one.id}",
    )
    code_uses.save_uses(connection, [use])
    code_uses.change_claim(connection, one.id, "used", order_id)
    ledger.release_hold(connection, one.id, "captured")
    codes.used(connection, context, use, claimed=True)
    terms = store.campaign(connection, coupon.campaign)
    if terms is not None:
        codes.tell_again(connection, context, terms.terms, use)
    if coupon.person and coupon.points:
        _burn(connection, desk, coupon, one, order_id)
        accounts.settle(connection, context, desk, [coupon.person])
    desk.close()
    if order_id:
        # An order that was read before knew nothing of it: whose the use is, whether it stands, and who is rewarded for it.
        rewards.book_again(connection, context, one.channel, [order_id])
    codes.settle(connection, context, [one.code])
    codes.tell_overuse(connection, context, [one.code])


def _burn(connection: Connection, desk: Desk, coupon: Coupon, one: Claim, order_id: str) -> None:
    """Spend the points in a code. Those of an order are named as its booking names them: a cancelled one gives them back."""
    assert coupon.person is not None
    now = desk.now
    spend = SpendRow(
        id=f"{one.channel}/{order_id}/{coupon.code}" if order_id else f"claim/{one.id}", person=coupon.person, points=coupon.points,
        at=now, channel=one.channel, source=order_id or one.id, note=f"code {coupon.code}",
    )  # fmt: skip
    point_store.save_spends(connection, [spend])
    desk.move(
        Movement(
            counter=points(coupon.person), delta=-coupon.points, why="burn", unique=f"claim/{one.id}/burn", channel=one.channel,
            source=one.id, occurred_at=now, note=f"code {coupon.code}",
        )
    )  # fmt: skip


def _account(connection: Connection, context: Context, person: str) -> None:
    desk = Desk(connection, context, context.now())
    accounts.settle(connection, context, desk, [person])
    desk.close()


# A till's clerk keys the discount in at once; a code is not promised longer than this where nobody says how long.
CLAIMED_FOR = timedelta(minutes=15)
