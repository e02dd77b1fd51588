"""What returns put back on the shelf, told from the inventory change log. Pure.

Square's order says what came back, not where it went. In the log of a real account (developer.squareup.com/forums/t/15697)
an itemised return at the till moves SOLD to RETURNED_BY_CUSTOMER and names its transaction; the restock that the till asks
about next moves RETURNED_BY_CUSTOMER to IN_STOCK two seconds later and names nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from connectors.square.order_mapping import return_lines
from connectors.square.payload import Payload, moment, rows, sift, text, units

__all__ = ["WINDOW", "put_back"]

# How far from its return an entry may lie that names no return: the till asks about the restock at once.
WINDOW = timedelta(minutes=10)
_PLACES = ("to_location_id", "from_location_id", "location_id")
_TEXTS = (*_PLACES, "from_state", "to_state", "catalog_object_id", "refund_id", "transaction_id")
_FROM_BUYER = {"SOLD", "SOLD_ONLINE", "RETURNED_BY_CUSTOMER", "UNLINKED_RETURN"}


def put_back(returns: Iterable[Payload], log: Sequence[Payload]) -> dict[str, int]:
    """Return the units put back per return line uid; a line the log is silent about is left out.

    Each entry of the log (adjustments) counts for one return only. A return that cannot be read is left out.
    """
    entries, _ = sift(log, _readable)
    unclaimed = [entry for entry in entries if text(entry, "from_state") in _FROM_BUYER]

    def claim(payload: Payload) -> dict[str, int]:
        mine = [entry for entry in unclaimed if _belongs(entry, payload)]
        shares = _shares(payload, mine)
        unclaimed[:] = [entry for entry in unclaimed if entry not in mine]
        return shares

    shares, _ = sift(returns, claim)
    return {uid: count for share in shares for uid, count in share.items()}


def _readable(entry: Payload) -> Payload:
    """Return the entry, or raise for one whose fields cannot be read: it tells nothing."""
    units(entry)
    moment(entry, "occurred_at")
    for field in _TEXTS:
        text(entry, field)
    return entry


def _shares(payload: Payload, entries: list[Payload]) -> dict[str, int]:
    """Spread the units that went back to IN_STOCK over the return's lines, in order."""
    left: dict[str, int] = {}
    for entry in entries:
        variation = text(entry, "catalog_object_id")
        left[variation] = left.get(variation, 0) + (units(entry) if text(entry, "to_state") == "IN_STOCK" else 0)
    found: dict[str, int] = {}
    for line in return_lines(payload):
        if (variation := text(line, "catalog_object_id")) in left:
            found[text(line, "uid")] = share = min(units(line), left[variation])
            left[variation] -= share
    return found


def _belongs(entry: Payload, payload: Payload) -> bool:
    if text(entry, "catalog_object_id") not in {text(line, "catalog_object_id") for line in return_lines(payload)}:
        return False
    named = {text(entry, "refund_id"), text(entry, "transaction_id")} - {""}
    if named & {text(payload, "id"), *(text(refund, "id") for refund in rows(payload, "refunds"))}:
        return True
    if named - {text(origin, "source_order_id") for origin in rows(payload, "returns")}:
        return False
    places = {text(entry, field) for field in _PLACES}
    apart = moment(entry, "occurred_at") - moment(payload, "created_at")
    return text(payload, "location_id") in places and abs(apart) <= WINDOW
