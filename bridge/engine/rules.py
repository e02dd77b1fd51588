"""Rules: what the config says now, brought into the store before a run, so that every target follows from it."""

import msgspec
from sqlalchemy.engine import Connection

from bridge.engine.context import Context, Rules
from bridge.engine.desk import Desk
from bridge.store import listings, notes

__all__ = ["apply_rules", "in_force"]


def apply_rules(connection: Connection, context: Context) -> None:
    """Settle every target anew where the rules are not those of the last run: kits, buffers, caps."""
    if in_force(connection, context):
        return
    listings.set_kits(connection, context.rules.kits)
    if notes.get_meta(connection, "opened") is not None:
        desk = Desk(connection, context, context.now())
        for sku in listings.known_skus(connection):
            desk.touch(sku)
        desk.close()
    notes.set_meta(connection, "rules", _fingerprint(context.rules))


def in_force(connection: Connection, context: Context) -> bool:
    """Tell whether the targets in the store follow from these rules."""
    return notes.get_meta(connection, "rules") == _fingerprint(context.rules)


def _fingerprint(rules: Rules) -> str:
    return msgspec.json.encode([list(rules.allotment), rules.kits]).decode()
