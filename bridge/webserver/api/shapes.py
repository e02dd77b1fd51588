"""What callers send: strict shapes. An unknown field, a wrong type or a number out of range is refused with its place."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "PLAIN", "CaptureClaim", "FindCustomer", "ListOrders", "ListSkus", "MovementsOf", "NewClaim", "NewCount", "NewHold", "NewRedemption",
    "NewSale", "Nothing", "PointsOf", "SaleLine",
]  # fmt: skip

# PostgreSQL keeps no NUL in a text, and no name has a control character in it.
PLAIN = r"^[^\x00-\x1f\x7f]+$"
_PLAIN_OR_NOTHING = r"^[^\x00-\x1f\x7f]*$"
Sku = Annotated[str, Meta(min_length=1, max_length=160, pattern=PLAIN, description="A SKU that the bridge knows.")]
Place = Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN, description="One of the merchant's places.")]
Note = Annotated[str, Meta(max_length=500, pattern=_PLAIN_OR_NOTHING, description="For people.")]
Units = Annotated[int, Meta(ge=1, le=1_000_000)]
Shelf = Annotated[int, Meta(ge=0, le=1_000_000)]
Zoned = Annotated[datetime, Meta(tz=True, description="A time with its zone (RFC 3339).")]
SaleId = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=PLAIN, description="The till's own number of the sale.")
]
Limit = Annotated[int, Meta(ge=1, le=200, description="Rows a page.")]
Cursor = Annotated[str, Meta(max_length=600, pattern=_PLAIN_OR_NOTHING, description="`next` of the page before.")]
Channel = Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN, description="A channel of the config.")]
Minor = Annotated[int, Meta(ge=0, le=10**12, description="Money in minor units, such as cents.")]


class Nothing(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """No parameters."""


class NewHold(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Units to reserve. It ends by itself: give `expires_in` or `expires_at`, one of them."""

    sku: Sku
    quantity: Units
    place: Place = "main"
    expires_in: Annotated[int, Meta(ge=1, le=31 * 86400, description="Seconds from now.")] | None = None
    expires_at: Zoned | None = None
    note: Note = ""


class SaleLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Units of one SKU that left the shelf with a sale and stayed away."""

    sku: Sku
    quantity: Units


class NewSale(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A sale as it stands now. A return or a correction is a newer revision with what is left of it, a cancelled sale has no lines.

    `occurred_at`: when what this revision tells of happened.
    """

    id: SaleId
    revision: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    occurred_at: Zoned
    place: Place = "main"
    lines: Annotated[tuple[SaleLine, ...], Meta(max_length=500)]


class NewCount(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What lay on a shelf at a time, everything counted, also what is sold and not yet shipped."""

    sku: Sku
    quantity: Shelf
    place: Place = "main"
    counted_at: Zoned


class ListSkus(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which SKUs to list."""

    search: Annotated[
        str, Meta(max_length=200, pattern=_PLAIN_OR_NOTHING, description="Words in the SKU or title.")
    ] = ""
    cursor: Cursor = ""
    limit: Limit = 50


class MovementsOf(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which movements to list."""

    place: Annotated[str, Meta(max_length=64, pattern=_PLAIN_OR_NOTHING, description="Empty: all places.")] = ""
    cursor: Cursor = ""
    limit: Limit = 50


class ListOrders(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which orders to list."""

    channel: Annotated[str, Meta(max_length=255, pattern=_PLAIN_OR_NOTHING, description="Empty: all channels.")] = ""
    status: Literal["", "placed", "paid", "fulfilled", "cancelled"] = ""
    cursor: Cursor = ""
    limit: Limit = 50


class FindCustomer(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Who is asked for: give one of the three."""

    email: Annotated[str, Meta(max_length=320, pattern=_PLAIN_OR_NOTHING, description="The whole address.")] = ""
    phone: Annotated[
        str, Meta(max_length=40, pattern=_PLAIN_OR_NOTHING, description="With + and the country's number.")
    ] = ""
    account: Annotated[str, Meta(max_length=320, pattern=_PLAIN_OR_NOTHING, description="CHANNEL:ID.")] = ""


class PointsOf(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How many movements to list."""

    limit: Limit = 50


class NewRedemption(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Points to turn into a code that can be used once, at any of `channels` (none named: at all)."""

    points: Annotated[int, Meta(ge=1, le=10**12)]
    channels: Annotated[tuple[Channel, ...], Meta(max_length=50)] = ()


class NewClaim(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A use to promise at a channel for a while (15 minutes, if nobody says how long); at the token's own till, if none is named."""

    channel: Channel = ""
    expires_in: Annotated[int, Meta(ge=1, le=86400, description="Seconds from now.")] | None = None
    customer: Annotated[
        str, Meta(max_length=64, pattern=_PLAIN_OR_NOTHING, description="The person, as /customers names them.")
    ] = ""
    contact: Annotated[
        str,
        Meta(max_length=320, pattern=_PLAIN_OR_NOTHING, description="Or their e-mail address or phone, known or not."),
    ] = ""
    spent: Minor | None = None


class CaptureClaim(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """By which order of the channel the use was made, if it has a number."""

    order: Annotated[str, Meta(max_length=120, pattern=_PLAIN_OR_NOTHING)] = ""
