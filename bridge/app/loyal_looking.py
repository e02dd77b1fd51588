"""Looking at customers, points and codes: the database only."""

from collections import Counter as Tally
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.app.errors import AppError, Missing
from bridge.app.loyal_results import (
    BalanceLine,
    CampaignStatus,
    ClaimLine,
    CodeChannel,
    CodeLine,
    CodeStatus,
    CodeUseLine,
    ContactLine,
    CustomerLine,
    CustomerView,
    Liability,
    LotLine,
    MergeLine,
    PointsMove,
)
from bridge.domain import contacts
from bridge.domain.contacts import Contact, masked
from bridge.domain.coupons import CouponTerms, normal_code, uses
from bridge.domain.earning import tier_of
from bridge.domain.points import points
from bridge.engine import accounts, making
from bridge.engine.context import Context
from bridge.engine.loyalty import held_points
from bridge.store import code_listings, code_uses, coupons, ledger, people
from bridge.store import points as store
from bridge.store.code_uses import Claim
from bridge.store.coupons import Campaign, Coupon

__all__ = [
    "balance",
    "campaign_status",
    "claim_line",
    "code",
    "code_line",
    "code_status",
    "codes",
    "codes_of",
    "customer",
    "find_person",
    "known",
    "liability",
    "named",
    "says",
]


def find_person(connection: Connection, context: Context, name: str) -> str:
    """Return the person of a name of ours, an e-mail, a phone, or "CHANNEL:ID"; raises Missing."""
    if people.person(connection, name) is not None:
        return known(connection, name)
    channel, _, customer_id = name.partition(":")
    tries = [(channel, customer_id), contacts.email(name), contacts.phone(name, context.rules.loyalty.country)]
    found = next((person for one in tries if one and (person := _person(connection, one))), None)
    if found is None:
        raise _nobody()
    return known(connection, found)


def known(connection: Connection, person: str) -> str:
    """Return a person by our own name for them, whoever they became since; raises Missing."""
    row = people.person(connection, person)
    if row is None:
        raise Missing("there is nobody of this name", next_step="look them up by e-mail, phone or account")
    return known(connection, row.merged_into) if row.merged_into else str(row.person)


def named(connection: Connection, name: Contact | tuple[str, str]) -> str:
    """Return the person of exactly this contact, or of this account (channel, id); raises Missing."""
    found = _person(connection, name)
    if found is None:
        raise _nobody()
    return known(connection, found)


def _person(connection: Connection, name: Contact | tuple[str, str]) -> str | None:
    if isinstance(name, Contact):
        contact = people.find_contacts(connection, name.kind, [name.value]).get(name.value)
        return contact.person if contact is not None else None
    channel, customer_id = name
    account = people.find_customers(connection, channel, [customer_id]).get(customer_id)
    return account.person if account is not None else None


def _nobody() -> Missing:
    return Missing(
        "nobody is known by this name, e-mail, phone or account",
        next_step="an account is named CHANNEL:ID, such as shop:17",
    )


def balance(connection: Connection, context: Context, person: str) -> BalanceLine:
    """Return a person's points."""
    now, rules = context.now(), context.rules.loyalty.points
    found, held = accounts.look(connection, person, now), held_points(connection, person)
    ends = sorted((one.lot.expires_at, one.left) for one in found.lots if one.left and one.lot.expires_at is not None)
    tier = None
    if rules is not None and rules.tiers:
        spent = store.spent_since(connection, [person], now - timedelta(days=rules.tier_days), now)
        tier = tier_of(rules.tiers, spent.get(person, 0))
    spendable = max(0, found.spendable - held)
    return BalanceLine(
        person=person, balance=found.balance, spendable=spendable, pending=found.pending, held=held, debt=found.debt,
        worth=str(making.worth(rules, spendable)) if rules is not None else "", tier=tier.name if tier else "",
        next_expiry=ends[0][0] if ends else None, next_expiring=sum(left for at, left in ends if at.date() == ends[0][0].date()),
    )  # fmt: skip


def customer(
    connection: Connection, context: Context, person: str, *, bare: bool = False, limit: int = 50
) -> CustomerView:
    """Return all about a person; contacts are masked unless `bare`."""
    row = people.person(connection, person)
    return CustomerView(
        person=person,
        created_at=row.created_at if row is not None else None,
        contacts=tuple(
            ContactLine(kind=one.kind, value=one.value if bare else masked(Contact(one.kind, one.value)), verified=one.verified)
            for one in people.contacts_of(connection, person)
        ),
        accounts=tuple(
            CustomerLine(
                channel=one.channel, customer_id=one.customer_id, shown=one.points_shown, target=one.points_target, consent=one.consent,
                note="points are off here" if one.channel in context.rules.loyalty.hidden else one.points_note,
            )
            for one in people.customers_of(connection, [person])
        ),
        points=balance(connection, context, person),
        lots=_lots(connection, context, person),
        moves=_moves(connection, person, limit),
        codes=tuple(codes_of(connection, context, person)),
        orders=tuple(people.orders_of(connection, person)),
        merges=tuple(
            MergeLine(number=one.id, gone=one.gone, at=one.at, why=one.why) for one in people.merge_rows(connection, person)
        ),
    )  # fmt: skip


def _lots(connection: Connection, context: Context, person: str) -> tuple[LotLine, ...]:
    rows = {row.id: row for row in store.lots_of(connection, [person]).get(person, [])}
    states = accounts.look(connection, person, context.now()).lots
    return tuple(
        LotLine(
            id=one.lot.id, earned=rows[one.lot.id].earned, kept=one.lot.kept, left=one.left, expired=one.expired,
            earned_at=one.lot.earned_at, spendable_at=one.lot.spendable_at, expires_at=one.lot.expires_at,
            because=_because(rows[one.lot.id]), rule=terms.version if (terms := rows[one.lot.id].terms) else "",
        )
        for one in states
        if rows[one.lot.id].earned
    )  # fmt: skip


def _because(row: store.LotRow) -> str:
    order = f"order {row.order_id} on {row.channel}" if row.order_id else ""
    return "; ".join(one for one in (order, row.note) if one)


def _moves(connection: Connection, person: str, limit: int) -> tuple[PointsMove, ...]:
    left = ledger.balances(connection, [points(person)]).get(points(person), 0)
    found = []
    for row in ledger.chain(connection, points(person), limit):
        found.append(
            PointsMove(
                at=row.occurred_at, why=row.why, change=row.delta, balance=left, channel=row.channel, because=row.note
            )
        )
        left -= row.delta
    return tuple(found)


def liability(connection: Connection, context: Context, at: datetime) -> Liability:
    """Return what was owed to customers at a moment, by the ledger, and by what has expired since it was settled last."""
    had, late = store.outstanding(connection, at), accounts.unsettled(connection, at)
    had |= {person: had.get(person, 0) - units for person, units in late.items()}
    gone = people.forgotten(connection, had)
    mine = [units for person, units in had.items() if units and person not in gone]
    owed, rules = sum(units for units in mine if units > 0), context.rules.loyalty.points
    return Liability(
        at=at, points=owed, debt=-sum(units for units in mine if units < 0), persons=len(mine),
        worth=str(making.worth(rules, owed)) if rules is not None else "", forgotten=sum(max(0, had[person]) for person in gone),
    )  # fmt: skip


def says(terms: CouponTerms) -> str:
    """Say in words what a code takes off."""
    if terms.kind == "percent":
        text = f"{terms.percent / 100:g} % off"
    elif terms.kind == "fixed":
        text = f"{terms.amount} off"
    else:
        text = "free shipping"
    if terms.minimum is not None:
        text += f" from {terms.minimum}"
    if terms.skus or terms.tags:
        text += f" on {', '.join((*terms.skus, *terms.tags))}"
    if terms.excluded:
        text += f" except on {', '.join(terms.excluded)}"
    if terms.first_order:
        text += ", first orders only"
    if terms.per_customer is not None:
        text += ", once a customer" if terms.per_customer == 1 else f", {terms.per_customer} times a customer"
    return text


def code(connection: Connection, text: str) -> Coupon:
    """Return the code that was typed in; raises Missing."""
    found = making.lookup(connection, text)
    if found is None and (alike := [one.code for one in making.alike(connection, text)]):
        raise Missing(
            f"there is no code {text.strip()[:60]}, and it may be read as {' or '.join(alike)}",
            next_step="type the one that is meant as it is printed",
        )
    if found is None:
        raise Missing(f"there is no code {text.strip()[:60]}", next_step="`bridge coupon list` shows the codes")
    return found


def code_line(connection: Connection, context: Context, coupon: Coupon, terms: Campaign | None = None) -> CodeLine:
    """Return a code as a line."""
    terms = terms or coupons.campaign(connection, coupon.campaign)
    assert terms is not None
    left = None if terms.uses is None else ledger.balances(connection, [uses(coupon.code)]).get(uses(coupon.code), 0)
    return CodeLine(
        code=coupon.code, campaign="" if terms.solo else terms.name, kind=terms.kind, says=says(terms.terms), policy=terms.policy,
        uses=terms.uses, left=left, state=_state(context, terms, coupon, left), ends_at=terms.terms.ends_at, person=coupon.person,
        points=coupon.points,
    )  # fmt: skip


def _state(context: Context, terms: Campaign, coupon: Coupon, left: int | None) -> str:
    if left is not None and left <= 0:
        return "used up"
    ends = terms.terms.ends_at
    if ends is not None and ends <= context.now():
        return "ended"
    return "closed" if coupon.closed_at is not None or terms.closed_at is not None else "open"


def codes(
    connection: Connection, context: Context, *, kind: str = "", everything: bool = False, limit: int = 200
) -> list[CodeLine]:
    """Return the newest codes."""
    rows = coupons.codes(connection, kind=kind, everything=everything, limit=limit)
    terms = coupons.campaigns_of(connection, {one.campaign for one in rows})
    return [code_line(connection, context, one, terms[one.campaign]) for one in rows]


def codes_of(connection: Connection, context: Context, person: str) -> list[CodeLine]:
    """Return the codes that a person's points are in, or that they invite by."""
    rows = coupons.of_person(connection, person)
    terms = coupons.campaigns_of(connection, {one.campaign for one in rows})
    return [code_line(connection, context, one, terms[one.campaign]) for one in rows]


def code_status(connection: Connection, context: Context, coupon: Coupon) -> CodeStatus:
    """Say where a code can be used, was used, and by which order."""
    terms = coupons.campaign(connection, coupon.campaign)
    assert terms is not None
    # What time has ended is not open, even before it is swept.
    claims = [
        one
        for one in code_uses.claims_of(connection, [coupon.code])
        if not one.expires_at or one.expires_at > context.now()
    ]
    used = code_uses.uses_of(connection, coupon.code)
    rows = code_listings.find_listings(connection, [coupon.code]).get(coupon.code, {})
    claimed = Tally(one.channel for one in claims)
    counted: Tally[str] = Tally()
    for one in used:
        counted[one.channel] += one.count
    return CodeStatus(
        code=code_line(connection, context, coupon, terms),
        channels=tuple(_channel(terms, name, rows.get(name), counted[name], claimed[name]) for name in terms.channels),
        uses=tuple(
            CodeUseLine(channel=one.channel, order_id=one.order_id, at=one.at, count=one.count, person=one.person) for one in used
        ),
        claims=tuple(claim_line(one, terms) for one in claims),
    )  # fmt: skip


def _channel(terms: Campaign, name: str, row: code_listings.CodeListing | None, used: int, claims: int) -> CodeChannel:
    if row is None:
        return CodeChannel(channel=name, state="by claim", limit=None, used=used, claims=claims)
    state = "there" if row.shown == row.wanted else "being written"
    if row.reason:
        state = "refused"
    elif row.shown == row.wanted and not row.active:
        state = "off" if row.shown else "absent"
    # What is refused was not written: at most what was there before is in force.
    limit = row.most if not row.reason else row.shown_most if row.external_id else 0
    return CodeChannel(
        channel=name, state=state, limit=limit, used=used, allotted=row.allotted if terms.policy == "split" else None, claims=claims,
        reason=row.reason,
    )  # fmt: skip


def campaign_status(connection: Connection, context: Context, name: str) -> CampaignStatus | None:
    """Say how the codes of a campaign stand; None where there is none of this name, or it is one code's own."""
    found = coupons.campaign(connection, normal_code(name))
    if found is None or found.solo:
        return None
    ends, counts = found.terms.ends_at, code_uses.campaign_use(connection, found.name, found.uses)
    over = found.closed_at is not None or (ends is not None and ends <= context.now())
    closed = counts.codes - counts.used_up if over else counts.closed
    return CampaignStatus(
        campaign=found.name, says=says(found.terms), policy=found.policy, each=found.uses, codes=counts.codes, used=counts.used,
        uses=counts.uses, open=counts.codes - counts.used_up - closed, closed=closed, ends_at=ends,
    )  # fmt: skip


def claim_line(one: Claim, terms: Campaign) -> ClaimLine:
    """Return a claim as a line."""
    return ClaimLine(
        id=one.id, code=one.code, channel=one.channel, state=one.state, expires_at=one.expires_at, discount=says(terms.terms),
        order_id=one.order_id,
    )  # fmt: skip


def wrong(what: str, step: str) -> AppError:
    """A request about points or codes that makes no sense."""
    return AppError(what, next_step=step)
