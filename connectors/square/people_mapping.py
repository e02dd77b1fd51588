"""Square's customers, loyalty accounts and loyalty events as domain values. Pure; payload dicts end here."""

import re
from dataclasses import dataclass, field
from typing import Literal

from bridge.contract.loyalty import PointsEvent
from bridge.domain.people import Customer
from connectors.square.mapping import OURS
from connectors.square.payload import Odd, Payload, moment, need, part, text

__all__ = ["Account", "account", "customer", "entry", "phone_of", "reason", "same_phone"]

Kind = Literal["earn", "burn", "release", "adjust", "expire", "ours"]
# Where each kind of entry has its points, what it is, and its sign: 0 where Square's number has it already. The specification's example
# of CREATE_REWARD has -10, of its other kinds none says whether points that go are below zero.
_ENTRIES: dict[str, tuple[str, Kind, int]] = {
    "ACCUMULATE_POINTS": ("accumulate_points", "earn", 1),
    "ACCUMULATE_PROMOTION_POINTS": ("accumulate_promotion_points", "earn", 1),
    "CREATE_REWARD": ("create_reward", "burn", -1),
    "DELETE_REWARD": ("delete_reward", "release", 1),
    "EXPIRE_POINTS": ("expire_points", "expire", -1),
    "ADJUST_POINTS": ("adjust_points", "adjust", 0),
    "OTHER": ("other_event", "adjust", 0),
}
_BEFORE, _AFTER = f"Points of all channels ({OURS}", ")"
_FEWEST_DIGITS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A loyalty account: whose it is, and its points."""

    id: str
    customer: str
    balance: int
    phone: str = field(default="", repr=False)


def account(payload: Payload) -> Account:
    """Read a loyalty account."""
    return Account(
        id=str(need(payload, "id")),
        customer=text(payload, "customer_id"),
        balance=_points(payload, "balance"),
        phone=text(part(payload, "mapping"), "phone_number"),
    )


def customer(payload: Payload, loyal: Account | None) -> Customer:
    """Read a profile with its loyalty account.

    Whoever typed in the profile's contacts, nobody checked them; the phone number of a loyalty account is what its owner gives at the
    till. "email_unsubscribed" says only who does not want to be written to.
    """
    names = (text(payload, "given_name"), text(payload, "family_name"))
    no = part(payload, "preferences").get("email_unsubscribed") is True
    return Customer(
        id=str(need(payload, "id")),
        name=" ".join(filter(None, names)) or text(payload, "company_name") or text(payload, "nickname"),
        email=text(payload, "email_address"),
        phone=(loyal.phone if loyal else "") or phone_of(payload),
        phone_verified=bool(loyal and loyal.phone),
        consent=False if no else None,
        points=loyal.balance if loyal else None,
        points_id=loyal.id if loyal else "",
        updated_at=moment(payload, "updated_at") if payload.get("updated_at") else None,
    )


def phone_of(payload: Payload) -> str:
    """Return a profile's phone number without punctuation: E.164 where it was kept with its country code, else as a local number."""
    kept = text(payload, "phone_number").strip()
    return ("+" if kept.startswith("+") else "") + re.sub(r"\D", "", kept)


def same_phone(kept: str, wanted: str) -> bool:
    """Tell whether a number as `phone_of` gives it is this one (E.164); a local number has to be the whole end of it.

    Square compares in E.164, but shows local numbers as they were typed in: their country is the seller's.
    """
    if kept.startswith("+") or not kept:
        return kept == wanted
    local = kept.lstrip("0")
    return len(local) >= _FEWEST_DIGITS and wanted.endswith(local)


def reason(key: str) -> str:
    """Return the reason of an adjustment of ours, which carries the key of its row."""
    return f"{_BEFORE}{key}{_AFTER}"


def entry(payload: Payload) -> PointsEvent | None:
    """Read an entry of the loyalty ledger; None where it moves no points (REDEEM_REWARD: they were locked by CREATE_REWARD).

    An adjustment is ours if it came through the API and its reason carries a key in our words: a person at the till, and another
    program, have other words. Its amount says nothing.
    """
    kind_there = text(payload, "type")
    if kind_there == "REDEEM_REWARD":
        return None
    if kind_there not in _ENTRIES:
        raise Odd(f"type {kind_there!r} is no kind of loyalty event that we know")
    name, kind, sign = _ENTRIES[kind_there]
    told = part(payload, name)
    points, key = _points(told, "points"), _our_key(payload, told)
    return PointsEvent(
        id=str(need(payload, "id")),
        kind="ours" if key else kind,
        points=abs(points) * sign if sign else points,
        at=moment(payload, "created_at"),
        points_id=str(need(payload, "loyalty_account_id")),
        order=text(told, "order_id"),
        key=key,
    )


def _our_key(payload: Payload, told: Payload) -> str:
    words = text(told, "reason")
    ours = words.startswith(_BEFORE) and words.endswith(_AFTER) and text(payload, "source") == "LOYALTY_API"
    return words.removeprefix(_BEFORE).removesuffix(_AFTER) if ours else ""


def _points(payload: Payload, name: str) -> int:
    value = need(payload, name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Odd(f"{name} {value!r} is no whole number of points")
    return value
