"""Names that last. Etsy's product ids are new after every inventory write, so a product is known by what it is.

A variation is its listing and its property values ("1234:513=5001"), by the values' ids, which one text of one property keeps.
A number is its listing and the values of those properties by which quantities differ: the others share it.
"""

import re
from collections.abc import Collection, Sequence
from urllib.parse import quote

from bridge.wire.payload import Odd, Payload, count

__all__ = ["group_of", "listing_of", "name_of"]

_NAME = re.compile(r"([1-9][0-9]{0,18})(:.+)?")


def listing_of(name: str) -> str:
    """Return the listing that a name belongs to, "" where it is no name of ours."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ""


def name_of(listing: str, values: Sequence[Payload]) -> str:
    """Name a variation by all its property values; a listing without variations is its own."""
    return group_of(listing, values, None)


def group_of(listing: str, values: Sequence[Payload], properties: Collection[int] | None) -> str:
    """Name what a product is with regard to some properties (None: all)."""
    told = {count(one, "property_id"): _value(one) for one in values}
    parts = [f"{one}={told[one]}" for one in sorted(told) if properties is None or one in properties]
    return f"{listing}:{';'.join(parts)}" if parts else listing


def _value(value: Payload) -> str:
    ids = value.get("value_ids") or []
    if isinstance(ids, list) and ids and all(isinstance(one, int) for one in ids):
        return ".".join(map(str, ids))
    words = value.get("values") or []
    if not isinstance(words, list) or not words:
        raise Odd(f"property {value.get('property_id')} has no value")
    return ".".join(quote(str(one), safe="") for one in words)
