"""Promises of a use of a code at a till, which has no codes of its own: may it be promised, was it made, is it given back."""

from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.app.errors import AppError, Missing
from bridge.app.loyal_acting import campaign_of
from bridge.app.loyal_looking import claim_line, code, find_person
from bridge.app.loyal_results import ClaimLine
from bridge.domain import contacts
from bridge.domain.orders import Order
from bridge.engine import making
from bridge.engine.context import Context
from bridge.engine.loyalty import settle_loyalty
from bridge.engine.people import Sighting, identify
from bridge.store import code_listings, code_uses, orders, people
from bridge.store.code_uses import Claim
from bridge.store.coupons import Campaign, Coupon

__all__ = ["buyer", "capture", "claim", "give_back", "is_limited"]


def buyer(connection: Connection, context: Context, channel: str, name: str) -> str:
    """Return whoever has this contact or account; an e-mail address or a phone that nobody has is a new customer's, as with a guest's
    order. Raises Missing."""
    try:
        return find_person(connection, context, name)
    except Missing:
        contact = contacts.email(name) or contacts.phone(name, context.rules.loyalty.country)
        if contact is None:
            raise
    return identify(connection, context, channel, {name: Sighting("", (contact,), typed=True)})[name]


def claim(
    connection: Connection,
    context: Context,
    text: str,
    channel: str,
    lasts: timedelta | None,
    person: str = "",
    spent: int | None = None,
) -> ClaimLine:
    """Promise a use of a code at a channel for a while; raises AppError where none is free, or it does not apply."""
    settle_loyalty(connection, context)
    coupon = code(connection, text)
    terms, now = campaign_of(connection, coupon), context.now()
    _applies(context, terms, coupon, channel)
    if spent is not None and terms.terms.minimum is not None and spent < terms.terms.minimum.minor:
        raise AppError(
            f"{coupon.code} is good from {terms.terms.minimum} on", next_step="it cannot be used for this purchase"
        )
    _may_use(connection, terms, coupon, person)
    free = making.free_uses(connection, terms, coupon, channel)
    if free is not None and free <= 0:
        raise AppError(
            f"no use of {coupon.code} is free at {channel}",
            next_step=f"`bridge coupon status {coupon.code}` shows where it is",
        )
    ends = now + (lasts or making.CLAIMED_FOR)
    return claim_line(making.claim(connection, context, coupon, channel, ends, person), terms)


def _applies(context: Context, terms: Campaign, coupon: Coupon, channel: str) -> None:
    now, step = context.now(), f"`bridge coupon status {coupon.code}` tells more"
    # One that is over is closed as well, once time was swept: its end says more.
    if terms.terms.ends_at is not None and now >= terms.terms.ends_at:
        raise AppError(f"{coupon.code} ended at {terms.terms.ends_at:%Y-%m-%d %H:%M} UTC", next_step=step)
    if coupon.closed_at is not None or terms.closed_at is not None:
        raise AppError(f"{coupon.code} is closed", next_step=step)
    if terms.terms.starts_at is not None and now < terms.terms.starts_at:
        raise AppError(f"{coupon.code} begins at {terms.terms.starts_at:%Y-%m-%d %H:%M} UTC", next_step=step)
    if channel not in terms.channels:
        raise AppError(
            f"{coupon.code} is not good at {channel}",
            next_step=f"it is good at {', '.join(terms.channels)}; `bridge coupon push {coupon.code} --channel {channel}` adds one",
        )
    till = context.channels.get(channel)
    # A till without a connector tells nobody its currency.
    if till is not None and till.currency and (sums := terms.terms.currencies - {till.currency}):
        raise AppError(
            f"{coupon.code} is in {', '.join(sorted(sums))}, {channel} sells in {till.currency}", next_step=step
        )


def is_limited(terms: Campaign) -> bool:
    """Whether a use of a code can be promised only to somebody who is known."""
    asked = terms.terms
    return terms.kind != "points" and bool(asked.emails or asked.first_order or asked.per_customer)


def _may_use(connection: Connection, terms: Campaign, coupon: Coupon, person: str) -> None:
    """Raise AppError where the terms say whose the code is, and it is not theirs. What cannot be checked is not let pass."""
    asked, step = terms.terms, f"`bridge coupon status {coupon.code}` tells more"
    if terms.kind == "points":
        # It was drawn by chance and told to whoever made it: having it is proof enough, for a guest at a till.
        if person and person != coupon.person:
            raise AppError(f"{coupon.code} is made of somebody else's points", next_step=step)
        return
    if coupon.person and person == coupon.person:
        raise AppError("nobody can invite themselves", next_step=f"{coupon.code} is for somebody else")
    if not person:
        if is_limited(terms):
            raise AppError(
                f"{coupon.code} is not for everybody: it must be known who buys",
                next_step="name the customer: by e-mail, phone or account",
            )
        return
    mails = {one.value for one in people.contacts_of(connection, person) if one.kind == "email"}
    if asked.emails and not mails & set(asked.emails):
        raise AppError(f"{coupon.code} is for somebody else", next_step=step)
    promised = sum(one.person == person for one in code_uses.claims_of(connection, [coupon.code]))
    if asked.per_customer and code_uses.last_use(connection, coupon.code, person) + promised >= asked.per_customer:
        raise AppError(
            f"this customer has used {coupon.code} already, or is about to",
            next_step=f"`bridge coupon status {coupon.code}` shows where",
        )
    if asked.first_order and (first := _bought(connection, person, mails)):
        raise AppError(f"{coupon.code} is for a first order, and this customer had {first}", next_step=step)


def _bought(connection: Connection, person: str, mails: set[str]) -> str:
    """Name an order of theirs that stands, also from before there were points or codes: then nobody asked whose it was."""
    for channel, ids in people.orders_by_channel(connection, person).items():
        found = orders.load(connection, channel, ids).values()
        if (order := next((one.order for one in found if one.order.status != "cancelled"), None)) is not None:
            return _named(channel, order)
    accounts = {(one.channel, one.customer_id) for one in people.customers_of(connection, [person])}
    unattributed = orders.standing_of(connection, accounts, mails)
    return _named(*unattributed) if unattributed is not None else ""


def _named(channel: str, order: Order) -> str:
    return f"order {order.number or order.id} at {channel}"


def _open_claim(connection: Connection, context: Context, claim_id: str) -> Claim:
    # A promise whose time is over is nobody's, whether time was swept since or not.
    settle_loyalty(connection, context)
    found = code_uses.claim(connection, claim_id)
    if found is None:
        raise Missing(f"there is no claim {claim_id[:40]}", next_step="`bridge coupon status CODE` lists the open ones")
    if found.state != "open":
        raise AppError(f"claim {claim_id} is {found.state} already", next_step="claim the code anew")
    return found


def capture(connection: Connection, context: Context, claim_id: str, order_id: str = "") -> ClaimLine:
    """A promised use was made; raises AppError for a claim that is not open any more, even if it was made in time."""
    found = code_uses.claim(connection, claim_id)
    if found is not None and found.state == "used":
        return _claim_again(connection, claim_id)  # told twice, counted once
    one = _open_claim(connection, context, claim_id)
    before = (
        code_uses.uses_of_orders(connection, one.channel, [order_id] if order_id else [])
        .get(order_id, {})
        .get(one.code)
    )
    if before is not None and before.count:
        raise AppError(
            f"order {order_id} has used {one.code} already", next_step="release this claim, it is one too many"
        )
    if not order_id and _is_named(connection, context, one):
        raise AppError(
            f"orders of {one.channel} name their codes: without its number this use would count twice",
            next_step="name the order; or do nothing, it counts by itself once the order is read",
        )
    making.capture(connection, context, one, order_id)
    return _claim_again(connection, claim_id)


def _is_named(connection: Connection, context: Context, one: Claim) -> bool:
    """Whether the code can be typed in at the channel."""
    channel = context.channels.get(one.channel)
    row = code_listings.find_listings(connection, [one.code]).get(one.code, {}).get(one.channel)
    return channel is not None and channel.connector.coupons is not None and row is not None and not row.reason


def give_back(connection: Connection, context: Context, claim_id: str) -> ClaimLine:
    """Give a promised use back."""
    making.release(connection, context, _open_claim(connection, context, claim_id))
    return _claim_again(connection, claim_id)


def _claim_again(connection: Connection, claim_id: str) -> ClaimLine:
    found = code_uses.claim(connection, claim_id)
    assert found is not None
    return claim_line(found, campaign_of(connection, code(connection, found.code)))
