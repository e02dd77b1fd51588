"""What people and tills do with points and codes: is it possible, then it is done. Each function is one unit of work."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from sqlalchemy.engine import Connection

from bridge.app.errors import AppError, Missing
from bridge.app.loyal_looking import balance, code, says
from bridge.app.loyal_results import BalanceLine, CampaignMade, CodeLine, Merged, Redeemed
from bridge.domain.coupons import CouponPolicy, CouponTerms, normal_code, valid_code
from bridge.engine import codes as engine
from bridge.engine import making, merging
from bridge.engine.context import Context
from bridge.engine.loyalty import settle_loyalty
from bridge.store import code_listings, coupons, people
from bridge.store.coupons import Campaign, Coupon

__all__ = [
    "adjust", "campaign_of", "close", "close_campaign", "create", "extend", "forget", "generate_checks", "invite",
    "made", "merge", "new_campaign", "push", "redeem", "room_checks", "same_campaign", "unmerge",
]  # fmt: skip

LENGTH = 12
# Of so many codes one is made: fewer are soon guessed, and drawing those that are left takes long.
_ROOM = 100


def redeem(
    connection: Connection, context: Context, person: str, units: int, channels: Sequence[str], prefix: str = ""
) -> Redeemed:
    """Turn a person's points into a single-use code; raises AppError where they are not free, or are worth nothing."""
    rules = context.rules.loyalty.points
    if rules is None:
        raise AppError("no points are given", next_step="write a [points] table into the config")
    settle_loyalty(connection, context)
    have = balance(connection, context, person)
    if units > have.spendable:
        raise AppError(f"only {have.spendable} points can be spent, {units} were asked for", next_step=_when(have))
    amount = making.worth(rules, units)
    if amount.minor <= 0:
        raise AppError(
            f"{units} points are worth nothing: one is worth {rules.value} {rules.currency}", next_step="ask for more"
        )
    names = _channels(context, channels)
    row = making.redeem(connection, context, person, units, amount, names, _drawn(connection, context, prefix))
    terms = campaign_of(connection, row)
    return Redeemed(
        code=row.code, person=person, points=units, discount=says(terms.terms), ends_at=terms.terms.ends_at, channels=tuple(names),
        balance=balance(connection, context, person), refused=_refused(connection, row.code),
    )  # fmt: skip


def _when(have: BalanceLine) -> str:
    parts = [
        f"{have.pending} are pending until the return window closes" if have.pending else "",
        f"{have.held} are in open codes" if have.held else "",
    ]
    return "; ".join(one for one in parts if one) or "earn some first"


def _channels(context: Context, wanted: Sequence[str]) -> list[str]:
    """The channels that are named; where none is, those that know customers or codes, and tills that claim by the API: nobody types one
    in anywhere else."""
    tills = context.rules.loyalty.tills
    able = [one.name for one in context.channels.values() if one.connector.coupons or one.connector.customers]
    known = [*(one.name for one in context.channels.values() if one.sells), *tills]
    for name in wanted:
        if name not in known:
            raise AppError(f"nobody can buy at {name}", next_step=f"there are: {', '.join(known)}", exit_code=2)
    return list(dict.fromkeys(wanted)) or [*able, *tills]


def _drawn(connection: Connection, context: Context, prefix: str) -> str:
    begins = normal_code(prefix)
    while True:
        drawn = making.new_code(context, begins, max(LENGTH, len(begins) + 8))
        if not valid_code(drawn):
            step = "take letters, digits, - and _, 32 at most"
            raise AppError(f"{prefix[:60]!r} cannot begin a code everywhere", next_step=step, exit_code=2)
        if not coupons.find(connection, [drawn]):
            return drawn


def _refused(connection: Connection, name: str) -> tuple[tuple[str, str], ...]:
    rows = code_listings.find_listings(connection, [name]).get(name, {})
    return tuple((channel, row.reason) for channel, row in rows.items() if row.reason)


def campaign_of(connection: Connection, coupon: Coupon) -> Campaign:
    """Return the terms of a code."""
    found = coupons.campaign(connection, coupon.campaign)
    if found is None:
        raise Missing(f"the terms of {coupon.code} are gone")
    return found


def create(
    connection: Connection,
    context: Context,
    name: str,
    terms: CouponTerms,
    *,
    policy: CouponPolicy = "shared",
    channels: Sequence[str] = (),
    uses: int | None = 1,
    restore: bool = True,
    note: str = "",
) -> CampaignMade:
    """Make one code; raises AppError where it exists, cannot be had everywhere, or no channel can express it."""
    text = normal_code(name)
    generate_checks(terms, uses, policy, text, context.now())
    if coupons.find(connection, [text]) or coupons.campaign(connection, text) is not None:
        raise AppError(f"{text} exists already", next_step=f"`bridge coupon status {text}` shows it")
    campaign = Campaign(
        name=text, terms=terms, policy=policy, channels=tuple(_channels(context, channels)), uses=uses, restore=restore,
        created_at=context.now(), note=note,
    )  # fmt: skip
    _somewhere(context, campaign)
    engine.create(connection, context, campaign, [Coupon(code=text, campaign=text, created_at=context.now())])
    return CampaignMade(
        campaign="", codes=1, first=(text,), says=says(terms), refused=_refused(connection, text),
        alike=tuple(one.code for one in making.alike(connection, text)),
    )  # fmt: skip


def new_campaign(
    context: Context, name: str, terms: CouponTerms, *, policy: CouponPolicy, channels: Sequence[str], uses: int | None, restore: bool
) -> Campaign:  # fmt: skip
    """Return the terms of many codes, not written yet; raises AppError where no channel can express them."""
    text = normal_code(name)
    if not valid_code(text):
        raise AppError(
            f"{name[:60]!r} cannot be a campaign's name", next_step="take 3 to 40 letters, digits, - and _", exit_code=2
        )
    found = Campaign(
        name=text, terms=terms, policy=policy, channels=tuple(_channels(context, channels)), uses=uses, restore=restore, solo=False,
        created_at=context.now(),
    )  # fmt: skip
    _somewhere(context, found)
    return found


def same_campaign(connection: Connection, wanted: Campaign) -> Campaign:
    """Return the campaign of this name as it is stored, else `wanted`; raises AppError where it says something else."""
    known = coupons.campaign(connection, wanted.name)
    if known is None:
        return wanted
    if known.solo:
        raise AppError(f"{known.name} is a code already", next_step="name another campaign: --campaign NAME")
    if known.closed_at is not None:
        raise AppError(f"the campaign {known.name} is closed", next_step="name another: --campaign NAME")
    if replace(wanted, created_at=known.created_at, closed_at=known.closed_at, note=known.note) != known:
        raise AppError(
            f"there is a campaign {known.name} already, with other terms: {says(known.terms)}",
            next_step="give the same terms to go on with it, or name another: --campaign NAME",
        )
    return known


def made(connection: Connection, campaign: Campaign) -> CampaignMade:
    """Say what a campaign has."""
    first = tuple(one.code for one in islice(coupons.codes_of(connection, campaign.name), 3))
    count = coupons.count(connection, campaign.name)
    refused = _refused(connection, first[0]) if first else ()
    return CampaignMade(campaign=campaign.name, codes=count, first=first, says=says(campaign.terms), refused=refused)


def _somewhere(context: Context, campaign: Campaign) -> None:
    _payable(context, campaign)
    wrong = engine.objections(context, campaign)
    if campaign.channels and all(name in wrong for name in campaign.channels):
        told = "; ".join(f"{name}: {', '.join(words)}" for name, words in wrong.items())
        raise AppError(
            f"no channel can express these terms: {told}", next_step="change the terms, or name other channels"
        )


def _payable(context: Context, campaign: Campaign) -> None:
    """Raise AppError where all channels are known to sell in other currencies than the terms name."""
    sold = {name: context.channels[name].currency if name in context.channels else "" for name in campaign.channels}
    named = campaign.terms.currencies
    if named and sold and all(currency and named != {currency} for currency in sold.values()):
        there = ", ".join(f"{name} in {currency}" for name, currency in sold.items())
        raise AppError(
            f"the sums are in {', '.join(sorted(named))}, and no channel sells in that: {there}",
            next_step="say another --currency, or name other channels", exit_code=2,
        )  # fmt: skip


def generate_checks(terms: CouponTerms, uses: int | None, policy: CouponPolicy, name: str, now: datetime) -> None:
    """Raise AppError for terms that make no sense, or a code that some platform would not take."""
    if not valid_code(name):
        raise AppError(
            f"{name[:60]!r} cannot be a code everywhere", next_step="take 3 to 40 letters, digits, - and _", exit_code=2
        )
    if terms.kind == "percent" and not 0 < terms.percent <= 10_000:
        raise AppError(
            f"{terms.percent / 100:g} % cannot be taken off", next_step="take more than 0 and at most 100", exit_code=2
        )
    if terms.kind == "fixed" and (terms.amount is None or terms.amount.minor <= 0):
        raise AppError("a fixed code needs an amount above 0", next_step="see --help", exit_code=2)
    if uses is not None and uses < 1:
        raise AppError(
            "a code must be good for one use at least",
            next_step="leave the limit out for one without limit",
            exit_code=2,
        )
    if uses is None and policy != "shared":
        raise AppError(f"a code without limit cannot be {policy}", next_step="give it a number of uses", exit_code=2)
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        raise AppError("the code would end before it begins", next_step="look at the two dates", exit_code=2)
    if terms.ends_at and terms.ends_at <= now:
        raise AppError(
            f"the code would be over already: it ends at {terms.ends_at:%Y-%m-%d %H:%M} UTC",
            next_step="take a later --until", exit_code=2,
        )  # fmt: skip


def room_checks(prefix: str, length: int, count: int) -> None:
    """Raise AppError where too few codes of a length begin with a prefix to draw `count` of them by chance."""
    fit = len(making.ALPHABET) ** max(0, length - len(prefix))
    if fit >= count * _ROOM:
        return
    enough = next(drawn for drawn in range(40) if len(making.ALPHABET) ** drawn >= count * _ROOM) + len(prefix)
    step = f"take a longer --length, {enough} at least" if enough <= 40 else "take a shorter --prefix"
    codes = "code fits" if fit == 1 else "codes fit"
    raise AppError(
        f"only {fit:,} {codes} into {length} characters that begin with {prefix}: too few to draw {count:,} by chance",
        next_step=step, exit_code=2,
    )  # fmt: skip


def close(connection: Connection, context: Context, text: str) -> CodeLine:
    """Take a code out of use everywhere."""
    from bridge.app.loyal_looking import code_line

    coupon = code(connection, text)
    making.close(connection, context, coupon)
    return code_line(connection, context, code(connection, text))


def close_campaign(connection: Connection, context: Context, name: str) -> CampaignMade | None:
    """Take all codes of a campaign out of use everywhere; None where there is no such campaign."""
    found = coupons.campaign(connection, normal_code(name))
    if found is None or found.solo:
        return None
    coupons.save_campaign(connection, replace(found, closed_at=found.closed_at or context.now()))
    engine.settle(connection, context, [one.code for one in coupons.codes_of(connection, found.name)])
    return made(connection, found)


def push(connection: Connection, context: Context, text: str) -> CodeLine:
    """Have a code written again wherever it was refused or deleted by hand."""
    from bridge.app.loyal_looking import code_line

    coupon = code(connection, text)
    making.reopen(connection, context, coupon)
    return code_line(connection, context, coupon)


def extend(connection: Connection, context: Context, text: str, channel: str) -> CodeLine | CampaignMade:
    """Make a code, or all of a campaign, good at a channel that came after it; raises AppError where that cannot be."""
    from bridge.app.loyal_looking import code_line

    named = coupons.campaign(connection, normal_code(text))
    coupon = None if named is not None and not named.solo else code(connection, text)
    campaign = campaign_of(connection, coupon) if coupon is not None else named
    assert campaign is not None
    _may_extend(context, campaign, coupon, channel)
    wider = engine.extend(connection, context, campaign, channel)
    return code_line(connection, context, coupon) if coupon is not None else made(connection, wider)


def _may_extend(context: Context, campaign: Campaign, coupon: Coupon | None, channel: str) -> None:
    _channels(context, [channel])
    what = coupon.code if coupon is not None else campaign.name
    if coupon is not None and not campaign.solo:
        step = f"`bridge coupon push {campaign.name} --channel {channel}` makes all of them good there"
        raise AppError(f"{what} is good where all codes of {campaign.name} are", next_step=step)
    if channel in campaign.channels:
        step = "`bridge coupon push` with the code alone writes it again"
        raise AppError(f"{what} is good at {channel} already", next_step=step)
    there = context.channels.get(channel)
    if campaign.policy == "split" and (there is None or there.connector.coupons is None):
        step = f"make a code of its own for {channel}"
        raise AppError(f"the uses of {what} are divided, and {channel} has no codes of its own", next_step=step)
    if campaign.policy == "split" and (campaign.uses or 0) <= len(campaign.channels):
        step = f"make a code of its own for {channel}"
        raise AppError(f"{what} has no use to give up: each is another channel's", next_step=step)
    _somewhere(context, replace(campaign, channels=(channel,)))


def adjust(connection: Connection, context: Context, person: str, units: int, reason: str, by: str) -> BalanceLine:
    """Give points by hand, or take them; the reason and a name are kept with the movement."""
    if not reason.strip() or not by.strip():
        raise AppError("a correction needs a reason and the name of who made it", next_step="see --help", exit_code=2)
    if not units:
        raise AppError("0 points change nothing", next_step="give a number above or below 0", exit_code=2)
    if units < 0 and -units > (have := balance(connection, context, person)).spendable + have.pending:
        raise AppError(f"there are only {have.balance} points to take", next_step="take fewer")
    merging.adjust(connection, context, person, units, reason.strip(), by.strip())
    return balance(connection, context, person)


def invite(
    connection: Connection, context: Context, person: str, terms: CouponTerms, channels: Sequence[str]
) -> CodeLine:
    """Return the code by which a person invites others, made at the first call; both get points once what was bought is kept."""
    from bridge.app.loyal_looking import code_line

    row = people.person(connection, person)
    if row is not None and row.referral:
        return code_line(connection, context, code(connection, row.referral))
    text, reward = _drawn(connection, context, "FRIEND"), context.rules.loyalty.reward
    generate_checks(terms, None, "shared", text, context.now())
    campaign = Campaign(
        name=text, terms=replace(terms, per_customer=1), policy="shared", channels=tuple(_channels(context, channels)), uses=None,
        kind="referral", created_at=context.now(), reward=reward,
    )  # fmt: skip
    _somewhere(context, campaign)
    coupon = Coupon(code=text, campaign=text, person=person, created_at=context.now())
    engine.create(connection, context, campaign, [coupon])
    people.set_referral(connection, person, text)
    return code_line(connection, context, coupon)


def merge(connection: Connection, context: Context, kept: str, gone: str, why: str = "by hand") -> Merged:
    """Make one person of two."""
    if kept == gone:
        raise AppError("that is one person already", next_step="name two", exit_code=2)
    merging.merge(connection, context, kept, gone, why)
    return Merged(kept=kept, gone=gone, points=balance(connection, context, kept))


def unmerge(connection: Connection, context: Context, person: str, number: int) -> Merged:
    """Take a merge back; raises Missing where there is none of this number."""
    row = next((one for one in people.merge_rows(connection, person) if one.id == number), None)
    if row is None:
        raise Missing(f"{person} has no merge {number} to take back", next_step="`bridge customer show` lists them")
    merging.unmerge(connection, context, row)
    return Merged(kept=row.kept, gone=row.gone, points=balance(connection, context, row.kept))


def forget(connection: Connection, context: Context, person: str) -> int:
    """Remove whoever this is from everything that is stored; return how many orders named them."""
    return merging.forget(connection, context, person)
