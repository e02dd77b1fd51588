"""Two persons who are one, and back; points that a person gives or takes by hand; and a person who asks to be forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from bridge.domain import contacts
from bridge.domain.ledger import Movement, Why
from bridge.domain.points import points
from bridge.engine import accounts, codes, making, rewards
from bridge.engine.context import Context
from bridge.engine.desk import Desk
from bridge.engine.people import new_person, told_no_more
from bridge.engine.points_open import opening
from bridge.store import code_uses, coupons, deliveries, orders, people
from bridge.store import points as store
from bridge.store.coupons import Campaign
from bridge.store.people import CustomerRow, MergeRow
from bridge.store.points import LotRow, SpendRow

__all__ = ["adjust", "forget", "merge", "unmerge"]


def merge(connection: Connection, context: Context, kept: str, gone: str, why: str) -> None:
    """Make one person of two: what is of `gone` becomes of `kept`, their uses of codes as well, and is remembered."""
    body: dict[str, Any] = {
        "contacts": [[one.kind, one.value] for one in people.contacts_of(connection, gone)],
        "customers": [[one.channel, one.customer_id] for one in people.customers_of(connection, [gone])],
        "theirs": [[one.channel, one.customer_id] for one in people.customers_of(connection, [kept])],
        "orders": people.orders_of(connection, gone),
        "lots": [one.id for one in store.lots_of(connection, [gone]).get(gone, [])],
        "spends": [one.id for one in store.spends_of(connection, [gone]).get(gone, [])],
        "coupons": [one.code for one in coupons.of_person(connection, gone)],
        "uses": [[one.channel, one.order_id, one.code] for one in code_uses.uses_by(connection, gone)],
        "claims": code_uses.claims_by(connection, gone),
    }
    people.remember_merge(connection, kept, gone, why, body, context.now())
    number = people.merge_rows(connection, kept)[0].id
    _hand_over(connection, context, body, gone, kept, f"merge/{number}")
    told_no_more(connection, kept, gone, context.channels)
    _reckon_again(connection, context, uses=body["uses"])


def unmerge(connection: Connection, context: Context, row: MergeRow) -> None:
    """Take a merge back: what was of `gone` then is theirs again, and what came since goes to whom its contact names."""
    since = _since(connection, row)
    _hand_over(
        connection, context, _with_events(connection, row.kept, row.body), row.kept, row.gone, f"unmerge/{row.id}"
    )
    for account in since:
        _ask_whose(connection, context, account, f"unmerge/{row.id}/{account.channel}/{account.customer_id}")
    people.undo_merge(connection, row, context.now())
    for name, ids in people.orders_by_channel(connection, row.kept).items():
        rewards.book_again(connection, context, name, ids)
    _reckon_again(connection, context, uses=row.body.get("uses", ()))


def _reckon_again(connection: Connection, context: Context, uses: Sequence[Sequence[str]]) -> None:
    """What an invitation earns is reckoned by person: the orders of one who became another, or is themselves again, are booked anew."""
    for name in {channel for channel, _, _ in uses}:
        rewards.book_again(connection, context, name, {order for channel, order, _ in uses if channel == name})


def _since(connection: Connection, row: MergeRow) -> list[CustomerRow]:
    """The accounts of the one person that came after two had become one."""
    if "theirs" not in row.body:
        return []
    then = {(channel, customer_id) for channel, customer_id in (*row.body["theirs"], *row.body["customers"])}
    return [one for one in people.customers_of(connection, [row.kept]) if (one.channel, one.customer_id) not in then]


def _ask_whose(connection: Connection, context: Context, account: CustomerRow, unique: str) -> None:
    """Make an account a person's of its own, with its points, until its record is read again and says whose it is."""
    person = new_person(context)
    people.add_persons(connection, [person], context.now())
    body = {"customers": [[account.channel, account.customer_id]]}
    _hand_over(connection, context, _with_events(connection, account.person, body), account.person, person, unique)
    people.save_customers(
        connection, [replace(account, person=person, updated_at=None, points_id="", points_shown=None)]
    )


def _with_events(connection: Connection, person: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Add what these accounts had when we came, and what a channel's own ledger of points gave them or took since."""
    mine = {(channel, customer_id) for channel, customer_id in body["customers"]}
    opened = {opening(channel, customer_id) for channel, customer_id in mine}
    lots = store.lots_of(connection, [person]).get(person, [])
    given = [one.id for one in lots if one.id in opened or (_is_event(one.id) and (one.channel, one.line_id) in mine)]
    spends = store.spends_of(connection, [person]).get(person, [])
    taken = [one.id for one in spends if _is_event(one.id) and (one.channel, one.source) in mine]
    return {**body, "lots": [*body.get("lots", ()), *given], "spends": [*body.get("spends", ()), *taken]}


def _is_event(name: str) -> bool:
    return name.startswith("event/")


def _hand_over(
    connection: Connection, context: Context, body: Mapping[str, Any], old: str, new: str, unique: str
) -> None:
    """Give one person's things to another, with the points in them: whatever of the list is `old`'s now."""
    for kind, value in body.get("contacts", ()):
        people.move(connection, "contacts", {"kind": kind, "value": value}, old, new)
    for channel, customer_id in body["customers"]:
        people.move(connection, "customers", {"channel": channel, "customer_id": customer_id}, old, new)
    for channel, order_id in body.get("orders", ()):
        people.move(connection, "order_people", {"channel": channel, "order_id": order_id}, old, new)
    _part_points(connection, old, new)
    coupons.move(connection, body.get("coupons", ()), old, new)
    code_uses.move_uses(connection, body.get("uses", ()), body.get("claims", ()), old, new)
    wanted = set(body["lots"]) | set(body["spends"])
    lots = [one for one in store.lots_of(connection, [old]).get(old, []) if one.id in wanted]
    spends = [one for one in store.spends_of(connection, [old]).get(old, []) if one.id in wanted]
    total = sum(one.kept - one.expired for one in lots) - sum(one.points for one in spends)
    store.save_lots(connection, [replace(one, person=new) for one in lots])
    store.save_spends(connection, [replace(one, person=new) for one in spends])
    desk = Desk(connection, context, context.now())
    for name, delta in ((old, -total), (new, total)) if total else ():
        desk.move(_movement(name, delta, "transfer", f"{unique}/{name}", desk.now, f"{old} and {new} are one"))
    accounts.settle(connection, context, desk, [old, new])
    desk.close()


def _part_points(connection: Connection, *both: str) -> None:
    """An account of points that was shown to both is sought anew for each: it can be one's only."""
    rows = [row for row in people.customers_of(connection, both) if row.points_id]
    persons: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        persons.setdefault((row.channel, row.points_id), set()).add(row.person)
    apart = [row for row in rows if len(persons[row.channel, row.points_id]) > 1]
    people.save_customers(connection, [replace(row, points_id="", points_shown=None) for row in apart])


def _movement(person: str, delta: int, why: Why, unique: str, at: datetime, note: str) -> Movement:
    return Movement(
        counter=points(person), delta=delta, why=why, unique=unique, channel="", source="", occurred_at=at, note=note
    )  # fmt: skip


def adjust(connection: Connection, context: Context, person: str, units: int, reason: str, by: str) -> None:
    """Give points by hand, or take them, with the reason and who did it."""
    now, key = context.now(), f"adjust/{context.new_key()}"
    note = f"{reason} ({by})"
    if units > 0:
        rules = context.rules.loyalty.points
        days = rules.expires_days if rules is not None else None
        ends = None if days is None else now + timedelta(days=days)
        store.save_lots(connection, [
            LotRow(id=key, person=person, earned=units, kept=units, earned_at=now, spendable_at=now, expires_at=ends, note=note)
        ])  # fmt: skip
    else:
        spend = SpendRow(id=key, person=person, points=-units, at=now, why="correction", note=note)
        store.save_spends(connection, [spend])
    desk = Desk(connection, context, now)
    desk.move(_movement(person, units, "correction", key, now, note))
    accounts.settle(connection, context, desk, [person])
    desk.close()


def forget(connection: Connection, context: Context, person: str) -> int:
    """Remove whoever this is from everything that is stored; return how many orders named them. Numbers stay."""
    bought = people.orders_by_channel(connection, person)
    done = sum(orders.redact(connection, channel, ids) for channel, ids in bought.items())
    known = {one.channel for one in people.customers_of(connection, [person])}
    for channel in bought.keys() | known | _take_out(connection, context, person):
        deliveries.forget(connection, channel, context.now())
    people.forget(connection, person, context.now())
    return done


def _take_out(connection: Connection, context: Context, person: str) -> set[str]:
    """Take a person's addresses out of the terms of all codes; return the channels that these are for."""
    mails = {one.value for one in people.contacts_of(connection, person) if one.kind == "email"}
    told: set[str] = set()
    for one in coupons.naming(connection, mails):
        rest = tuple(mail for mail in one.terms.emails if (contacts.email(mail) or ("", mail))[1] not in mails)
        if rest != one.terms.emails:
            _limit_to(connection, context, one, rest)
            told |= set(one.channels)
    return told


def _limit_to(connection: Connection, context: Context, campaign: Campaign, rest: tuple[str, ...]) -> None:
    """Have codes be for these addresses only. One that was for nobody else is over: without any address it would be everybody's."""
    over = campaign.closed_at if rest else campaign.closed_at or context.now()
    coupons.save_campaign(connection, replace(campaign, terms=replace(campaign.terms, emails=rest), closed_at=over))
    mine = list(coupons.codes_of(connection, campaign.name))
    if campaign.solo and not rest:
        for coupon in mine:
            making.close(connection, context, coupon)
    else:
        codes.settle(connection, context, [coupon.code for coupon in mine])
