"""Rules: what the config says now, brought into the store before a run, so that every target follows from it."""

from collections.abc import Sequence

import msgspec
from sqlalchemy.engine import Connection

from bridge.engine.context import Context, Rules
from bridge.engine.desk import Desk
from bridge.engine.loyalty import apply_loyalty, loyalty_in_force
from bridge.store import listings, notes

__all__ = ["apply_rules", "in_force"]

# A desk holds every position it has touched: a large catalogue is settled piece by piece, within one transaction.
_AT_ONCE = 5_000


def apply_rules(connection: Connection, context: Context) -> None:
    """Settle every target anew where the rules are not those of the last run: kits, buffers, caps."""
    apply_loyalty(connection, context)
    if in_force(connection, context):
        return
    listings.set_kits(connection, context.rules.kits)
    if notes.get_meta(connection, "opened") is not None:
        skus = listings.known_skus(connection)
        for start in range(0, len(skus), _AT_ONCE):
            _settle(connection, context, skus[start : start + _AT_ONCE])
    notes.set_meta(connection, "rules", _fingerprint(context.rules))


def _settle(connection: Connection, context: Context, skus: Sequence[str]) -> None:
    desk = Desk(connection, context, context.now())
    for sku in skus:
        desk.touch(sku)
    desk.close()


def in_force(connection: Connection, context: Context) -> bool:
    """Tell whether the targets in the store follow from these rules, and orders earn by them."""
    return notes.get_meta(connection, "rules") == _fingerprint(context.rules) and loyalty_in_force(connection, context)


def _fingerprint(rules: Rules) -> str:
    return msgspec.json.encode([list(rules.allotment), rules.kits]).decode()
