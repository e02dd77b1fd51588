"""Coupon codes: making them, and how many uses each channel may accept, as the ledger and the policy say.

`settle` says what each channel should have of a code, in the transaction that changed it; bridge/engine/code_push.py writes it there.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from bridge.domain.coupons import CouponTerms, uses
from bridge.domain.ledger import Movement
from bridge.domain.quotas import Quota, limits, moved, spread
from bridge.engine.context import Context
from bridge.engine.desk import Desk
from bridge.engine.noting import park
from bridge.store import code_listings, code_uses, goods, ledger
from bridge.store import coupons as store
from bridge.store.code_listings import CodeListing
from bridge.store.code_uses import CodeUse
from bridge.store.coupons import Campaign, Coupon

__all__ = [
    "Goods",
    "anew",
    "confirm",
    "create",
    "extend",
    "goods_of",
    "objections",
    "settle",
    "tell_again",
    "tell_overuse",
    "used",
]

Goods = tuple[tuple[str, str], ...]


def objections(context: Context, campaign: Campaign) -> dict[str, Sequence[str]]:
    """Say what of a campaign's terms its channels cannot express, by channel; one without a port for codes has them claimed."""
    found: dict[str, Sequence[str]] = {}
    for name in campaign.channels:
        channel = context.channels.get(name)
        port = channel.connector.coupons if channel is not None else None
        if port is not None and (words := port.objections(campaign.terms)):
            found[name] = words
    return found


def create(
    connection: Connection, context: Context, campaign: Campaign, rows: Sequence[Coupon], *, fresh: bool = True
) -> None:
    """Make codes under terms (`fresh`: the terms are new as well): their counters open with the uses there are."""
    now = context.now()
    if fresh:
        store.add_campaign(connection, campaign)
    store.add_coupons(connection, rows)
    ledger.start(connection, [(uses(one.code), now, "bridge") for one in rows])
    desk = Desk(connection, context, now)
    for one in rows if campaign.uses else ():
        desk.move(
            Movement(
                counter=uses(one.code), delta=campaign.uses or 0, why="opening", unique=f"coupon/{one.code}", channel="", source="",
                occurred_at=now, note=campaign.note or f"{campaign.name} was made",
            )
        )  # fmt: skip
    desk.close()
    code_listings.save_listings(connection, _listings(context, campaign, rows))
    settle(connection, context, [one.code for one in rows])


def _listings(context: Context, campaign: Campaign, rows: Sequence[Coupon]) -> list[CodeListing]:
    """A row for each code and channel that has codes of its own; what a channel cannot express is refused there, never loosened."""
    wrong = objections(context, campaign)
    able = [name for name in campaign.channels if _has_codes(context, name)]
    # The share of a till, which has no codes of its own, is what can be promised there.
    shared_out = campaign.uses or 0 if campaign.policy == "split" else 0
    share = spread(shared_out, [name for name in campaign.channels if name not in wrong])
    return [
        CodeListing(
            channel=name, code=one.code, allotted=share.get(name, 0), ceiling=share.get(name, 0), reason="; ".join(wrong.get(name, ()))
        )
        for one in rows
        for name in able
    ]  # fmt: skip


def extend(connection: Connection, context: Context, campaign: Campaign, name: str) -> Campaign:
    """Make the codes of a campaign good at one more channel. With `split` it begins with no use, until another one gives some up."""
    wider = replace(campaign, channels=(*campaign.channels, name))
    store.save_campaign(connection, wider)
    rows = list(store.codes_of(connection, campaign.name))
    # Nothing is spread anew: the others may have accepted what they were given.
    code_listings.save_listings(connection, _listings(context, replace(wider, channels=(name,), policy="shared"), rows))
    settle(connection, context, [one.code for one in rows])
    return wider


def _has_codes(context: Context, name: str) -> bool:
    return name in context.channels and context.channels[name].connector.coupons is not None


def settle(connection: Connection, context: Context, codes: Iterable[str]) -> None:
    """Say anew what the channels should have of these codes."""
    names = sorted(set(codes))
    if not names:
        return
    _Settling(connection, context, names).run()


class _Settling:
    def __init__(self, connection: Connection, context: Context, names: Sequence[str]) -> None:
        self.connection = connection
        self.context = context
        self.coupons = store.find(connection, names)
        self.terms = store.campaigns_of(connection, {one.campaign for one in self.coupons.values()})
        self.listings = code_listings.find_listings(connection, names)
        self.counted = code_uses.used_by(connection, names)
        self.uncounted = code_uses.uncounted(connection, names)
        self.left = ledger.balances(connection, [uses(one) for one in names])
        self.claims: dict[tuple[str, str], int] = {}
        for claim in code_uses.claims_of(connection, names):
            self.claims[claim.code, claim.channel] = self.claims.get((claim.code, claim.channel), 0) + 1
        self.goods: dict[tuple[str, str], tuple[Goods, Goods]] = {}

    def run(self) -> None:
        changed = [row for coupon in self.coupons.values() for row in self._coupon(coupon)]
        code_listings.save_listings(self.connection, changed)

    def _coupon(self, coupon: Coupon) -> Iterable[CodeListing]:
        terms, rows = self.terms[coupon.campaign], self.listings.get(coupon.code, {})
        quotas = {name: self._quota(row) for name, row in rows.items() if not row.reason}
        if terms.policy == "split" and terms.uses is not None:
            stuck = {name: self._stuck(row) for name, row in rows.items() if row.reason}
            yield from (one for name, one in stuck.items() if one != rows[name])
            elsewhere = self._elsewhere(coupon.code, rows) + sum(one.allotted for one in stuck.values())
            share = moved(terms.uses - elsewhere, quotas)
            quotas = {name: replace(quota, allotted=share[name]) for name, quota in quotas.items()}
        if terms.policy == "claim":
            yield from (one for row in rows.values() if row.reason and (one := self._stuck(row)) != row)
            quotas = {name: replace(quota, allotted=quota.used + quota.claims) for name, quota in quotas.items()}
        most = limits(terms.policy, self._left(coupon, terms), quotas)
        for name, quota in quotas.items():
            row = self._aimed(coupon, terms, rows[name], quota, most[name])
            if row != rows[name]:
                yield row

    def _stuck(self, row: CodeListing) -> CodeListing:
        """A channel that nothing is written to keeps what it may still accept, and no more: the rest is for the others."""
        quota = self._quota(row)
        return replace(row, allotted=max(quota.used, quota.ceiling))

    def _elsewhere(self, code: str, rows: Mapping[str, CodeListing]) -> int:
        """Uses that none of these channels counts: promised or made at a till, or where the code is not ours."""
        foreign = sum(units for name, units in self.counted.get(code, {}).items() if name not in rows)
        promised = sum(number for (one, _), number in self.claims.items() if one == code)
        return self.uncounted.get(code, 0) + foreign + promised

    def _quota(self, row: CodeListing) -> Quota:
        counted = self.counted.get(row.code, {}).get(row.channel, 0)
        return Quota(
            used=max(counted, row.used_there or 0), allotted=row.allotted, ceiling=row.ceiling,
            claims=self.claims.get((row.code, row.channel), 0),
        )  # fmt: skip

    def _left(self, coupon: Coupon, terms: Campaign) -> int | None:
        """What is left for all, promises taken off."""
        if terms.uses is None:
            return None
        promised = sum(number for (code, _), number in self.claims.items() if code == coupon.code)
        return self.left.get(uses(coupon.code), 0) - promised

    def _aimed(self, coupon: Coupon, terms: Campaign, row: CodeListing, quota: Quota, most: int | None) -> CodeListing:
        """A channel with nothing left to accept has the code switched off: its own count may lag behind."""
        over = coupon.closed_at is not None or terms.closed_at is not None
        if terms.policy == "shared":
            most = _lazily(row.shown_most, most, self._left(coupon, terms))
        active = not over and (most is None or most > quota.used)
        only, but = self._goods(terms, row.channel)
        wanted = _digest(terms, most if active else 0, active, only, but)
        wanted = row.shown if not row.shown and not active else wanted
        ceiling, idle = max(row.ceiling, quota.allotted), wanted == row.shown and row.key is None
        # Raised and cut again before anything was written: nothing will be, and so nothing else would confirm the cut.
        unsent = idle and row.cut_at is None and ceiling > max(quota.allotted, quota.used, row.shown_most or 0)
        return replace(
            row, most=most, active=active, allotted=quota.allotted, ceiling=ceiling, wanted=wanted,
            cut_at=self.context.now() if unsent else row.cut_at,
        )  # fmt: skip

    def _goods(self, terms: Campaign, channel: str) -> tuple[Goods, Goods]:
        key = (terms.name, channel)
        if key not in self.goods:
            self.goods[key] = goods_of(self.connection, terms.terms, channel)
        return self.goods[key]


def goods_of(connection: Connection, terms: CouponTerms, channel: str) -> tuple[Goods, Goods]:
    """Return the goods of a channel that a code is limited to, and those that it never takes anything off."""
    if not (terms.skus or terms.tags or terms.excluded):
        return (), ()
    mine = set(terms.skus) | goods.tagged(connection, terms.tags)
    return goods.ids_of(connection, channel, mine), goods.ids_of(connection, channel, set(terms.excluded))


def _lazily(shown: int | None, most: int | None, left: int | None) -> int | None:
    """While there is plenty, a limit that is a little too high is let stand: not every use of one channel is written to all others."""
    if shown is None or most is None or left is None:
        return most
    return shown if most <= shown <= most + left // 10 else most


def confirm(connection: Connection, context: Context, channel: str, read_at: datetime) -> None:
    """The orders of a channel were read from a moment after its limits were cut: what it accepted before is known now."""
    cut = [
        row
        for row in code_listings.cut(connection, channel)
        if row.cut_at is not None and row.cut_at + _LATE <= read_at
    ]
    # A write on its way may raise the limit there: what it is, is known once it was answered.
    rows = [row for row in cut if row.key is None]
    counted = code_uses.used_by(connection, [row.code for row in rows])
    code_listings.save_listings(
        connection,
        [
            replace(row, cut_at=None, ceiling=max(row.shown_most or 0, counted.get(row.code, {}).get(channel, 0), row.used_there or 0))
            for row in rows
        ],
    )  # fmt: skip
    settle(connection, context, [row.code for row in rows])


# So long an order may need until it is to be seen in the feed of orders.
_LATE = timedelta(minutes=1)


def anew(context: Context, row: CodeListing) -> CodeListing:
    """Have a code written again. One that was deleted begins to count at none: it accepts nothing (`split`) until the orders that the
    deleted one may have had are read."""
    if row.external_id:
        return replace(row, reason="", tries=0, shown="?")
    known = replace(row, reason="", tries=0, shown="")
    if not row.reason or row.verified_at is None:
        return known
    return replace(known, since=context.now(), used_there=None, allotted=0)


def _digest(terms: Campaign, most: int | None, active: bool, only: Goods, but: Goods) -> str:
    body = msgspec.json.encode([terms.terms, most, active, only, but])
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def used(connection: Connection, context: Context, use: CodeUse, *, claimed: bool = False) -> None:
    """A use is on record: keep the promise that it fulfils (`claimed`: it was one itself, the others stand), free what was held for it."""
    if not (claimed or use.note):
        _keep_claim(connection, use)
    coupon = store.find(connection, [use.code])[use.code]
    if coupon.hold is not None:
        taken = any(one.count for one in code_uses.uses_of(connection, use.code))
        _settle_hold(connection, context, coupon.hold, taken=taken, over=coupon.closed_at is not None)


def _keep_claim(connection: Connection, use: CodeUse) -> None:
    mine = [one for one in code_uses.claims_of(connection, [use.code]) if one.channel == use.channel]
    if use.count and mine:
        code_uses.change_claim(connection, mine[0].id, "used", use.order_id)
        ledger.release_hold(connection, mine[0].id, "captured")


def _settle_hold(connection: Connection, context: Context, hold: str, *, taken: bool, over: bool) -> None:
    """Points in a code are held until it is used; once every use was given back they are held again, while the code lasts."""
    state, ends = ledger.hold_states(connection, [hold]).get(hold, ("", None))
    if taken and state == "open":
        ledger.set_hold(connection, hold, "captured")
    elif not taken and not over and state == "captured" and (ends is None or ends > context.now()):
        ledger.set_hold(connection, hold, "open")


def tell_overuse(connection: Connection, context: Context, codes: Iterable[str]) -> None:
    """Say of codes that were used more often than they may be, by which orders: nothing of it is left unexplained."""
    names = list(codes)
    left = ledger.balances(connection, [uses(one) for one in names])
    coupons = store.find(connection, names)
    terms = store.campaigns_of(connection, {one.campaign for one in coupons.values()})
    for code in names:
        units, limit = left.get(uses(code), 0), terms[coupons[code].campaign].uses
        if limit is not None and units < 0:
            _tell_spent(connection, context, code, limit - units, limit)


def _tell_spent(connection: Connection, context: Context, code: str, often: int, allowed: int) -> None:
    by = _orders([one for one in code_uses.uses_of(connection, code) if one.count])
    reason = (
        f"{code} was used {often} times, {allowed} allowed: {', '.join(by)}; the last ones came before it was known"
    )
    _tell(connection, context, code, reason, {"code": code, "uses": often, "allowed": allowed, "orders": by})


def tell_again(connection: Connection, context: Context, terms: CouponTerms, use: CodeUse) -> None:
    """Say of somebody who used a code more often than a customer may: a shop sees only its own orders, and lets them use it in each."""
    allowed = terms.per_customer
    if allowed is None or not (use.person and use.count):
        return
    mine = [one for one in code_uses.uses_by(connection, use.person) if one.code == use.code and one.count]
    if len(mine) <= allowed:
        return
    by, each = _orders(mine), "once" if allowed == 1 else f"{allowed} times"
    reason = f"{use.person} used {use.code} {len(mine)} times, good {each} a customer: {', '.join(by)}"
    data = {"code": use.code, "person": use.person, "uses": len(mine), "allowed": allowed, "orders": by}
    _tell(connection, context, f"{use.code}/{use.person}", reason, data)


def _orders(made: Sequence[CodeUse]) -> list[str]:
    return [f"order {one.order_id} on {one.channel}" for one in made]


def _tell(connection: Connection, context: Context, key: str, reason: str, data: Mapping[str, Any]) -> None:
    """Park that a code was used too often, and tell whoever listens."""
    park(connection, context, "coupon", "", key, reason)
    if context.events is not None:
        context.events.loyalty(connection, "coupon.overused", str(data["code"]), data, context.now())
