"""The shape of the config. Pydantic, and only here: precise errors, nothing unknown let through."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from connectors import PLATFORMS

__all__ = ["EVENT_TYPES", "PRODUCT_FIELDS", "ChannelTable", "Config", "FieldTable"]

PRODUCT_FIELDS = ("title", "description", "price", "compare_at", "barcode", "status", "images", "weight_grams")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*([smhd])$")


def _duration(value: object) -> timedelta:
    found = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a duration is a number with s, m, h or d, such as "5s", "10m", "1h" or "60d"')
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def _pause(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError('a pause between two polls is at least "1s"')
    return value


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is wanted, without quotes, such as 1.2")
    return Decimal(value)


def _moment(value: object) -> datetime:
    """Read a date or a time of TOML; a date is its first moment, and a time without an offset is UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError("a date is wanted, without quotes, such as 2026-11-27 or 2026-11-27T18:00:00+01:00")


def _end(value: object) -> datetime:
    """Read an end: a date is wholly in it, so it is the first moment of the next one."""
    moment = _moment(value)
    return moment if isinstance(value, datetime) else moment + timedelta(days=1)


def _country(value: str) -> str:
    if value == "UK":
        raise ValueError("the United Kingdom is GB (ISO 3166)")
    return value


def _platform(value: str) -> str:
    if value not in PLATFORMS:
        *most, last = (repr(name) for name in PLATFORMS)
        raise ValueError(f"allowed is {', '.join(most)} or {last}")
    return value


def _field_rule(value: object) -> object:
    return {"owner": value} if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Pause = Annotated[Duration, AfterValidator(_pause)]
Number = Annotated[Decimal, BeforeValidator(_decimal)]
Units = Annotated[int, Field(ge=0, le=1_000_000_000)]
Start = Annotated[datetime, BeforeValidator(_moment)]
End = Annotated[datetime, BeforeValidator(_end)]
Factor = Annotated[Number, Field(ge=0, le=1_000)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PriceTable(_Table):
    """[channels.NAME.price]: price x factor, then rounded."""

    factor: Annotated[Number, Field(gt=0)] = Decimal(1)
    rounding: Literal["none", "nearest", "up", "down", "ending"] = "none"
    step: Annotated[int, Field(ge=0)] = 1


class ChannelTable(_Table):
    """[channels.NAME]: what the merchant decided about a channel; `settings` are the connector's own keys."""

    platform: Annotated[str, AfterValidator(_platform)]
    counts_from: bool | None = None
    counts: Literal["sellable", "shelf"] = "sellable"
    restock: Literal["always", "never", "ask"] = "always"
    create: bool = False
    poll: Pause | None = None
    points: Literal["show", "own", "off"] = "show"
    map: str = ""
    home_location: str = ""
    locations: dict[str, str] = {}
    price: PriceTable = PriceTable()
    settings: dict[str, Any] = Field(default={}, repr=False)

    @classmethod
    def own_keys(cls) -> frozenset[str]:
        """The keys that are not the connector's."""
        return frozenset(cls.model_fields) - {"settings"}


class StockTable(_Table):
    """[stock]: what holds for all SKUs and channels."""

    buffer: Units = 0
    cap: Units | None = None
    track: bool = False
    grace: Duration = timedelta(seconds=5)


class PolicyTable(_Table):
    """[[policy]]: buffer and cap for one SKU, tag or channel; later ones win."""

    sku: str | None = None
    tag: str | None = None
    channel: str | None = None
    buffer: Units | None = None
    cap: Units | None = None


class GuardTable(_Table):
    """[guard]: plans larger than this wait for `bridge approve`."""

    zero: Units = 25
    percent: Annotated[Number, Field(ge=0, le=100)] = Decimal(40)
    free: Units = 200


class OrdersTable(_Table):
    """[orders]: which channel packs the orders of which others, and how far back orders are read at the first contact."""

    home: str = ""
    mirror: list[str] = []
    history: Duration = timedelta(days=60)


class PointsRuleTable(_Table):
    """[[points.rule]]: lines of orders that earn more, less, or nothing. What is not named fits all; the rules that fit multiply."""

    sku: str | None = None
    tag: str | None = None
    channel: str | None = None
    since: Start | None = Field(default=None, alias="from")
    until: End | None = None
    times: Factor


class TierTable(_Table):
    """[[points.tier]]: who spent so much within `tier_days` earns more."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    spend: Annotated[Number, Field(ge=0, le=1_000_000_000)]
    times: Factor = Decimal(1)


class PointsTable(_Table):
    """[points]: what orders earn. Without this table no points are given."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    earn: Factor = Decimal(1)
    value: Annotated[Number, Field(gt=0, le=1_000)] = Decimal("0.01")
    pending: Duration = timedelta(days=14)
    expires: Duration | None = None
    include_tax: bool = False
    discounted: bool = True
    tier_days: Annotated[int, Field(ge=1, le=3_650)] = 365
    notice: Duration = timedelta(days=14)
    code_lasts: Duration = timedelta(days=1)
    rule: list[PointsRuleTable] = []
    tier: list[TierTable] = []


class CustomersTable(_Table):
    """[customers]: how people are told apart."""

    country: Annotated[str, Field(pattern="^([A-Z]{2})?$"), AfterValidator(_country)] = ""


class CouponsTable(_Table):
    """[coupons]: what holds for all codes."""

    remind: Duration = timedelta(days=3)
    reward: Units = 0


class FieldTable(_Table):
    """One field of [products.fields]: its owner, and who else may change it."""

    owner: str
    writers: list[str] = []


class ProductsTable(_Table):
    """[products]: who owns the product fields ("" = nobody: nothing is written)."""

    owner: str = ""
    fields: dict[str, Annotated[FieldTable, BeforeValidator(_field_rule)]] = {}


class DaemonTable(_Table):
    """[daemon]: where `bridge run` listens, how it is reached from outside, how often it polls, how long it keeps what it got.

    `poll` holds for channels that name none themselves and whose platform suits it.
    """

    listen: str = "127.0.0.1:8470"
    public_url: str = ""
    poll: Pause = timedelta(seconds=30)
    silence: Duration = timedelta(hours=1)
    keep_deliveries: Duration = timedelta(days=30)
    keep_events: Duration = timedelta(days=30)


class AuditTable(_Table):
    """[audit]: no number goes unverified longer than `max_age`, as far as the platform's limits allow."""

    max_age: Duration = timedelta(hours=1)


class WebTable(_Table):
    """[web]: the page. Without a password hash (`bridge password` makes one) nobody can log in."""

    password: str = Field(default="", repr=False)
    session: Duration = timedelta(hours=12)


class TokenTable(_Table):
    """[[tokens]]: a script's or a till's access to /api/v1, /metrics; `bridge token` makes one. `hash` is its SHA-256 in hex."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$", repr=False)]
    scopes: Annotated[list[Literal["read", "stock", "holds", "loyalty", "metrics"]], Field(min_length=1)]


EVENT_TYPES = (
    "order.paid", "order.fulfilled", "order.cancelled", "order.ready", "stock.out", "stock.low", "stock.back", "drift", "parked",
    "webhooks.silent", "points.expiring", "points.debt", "coupon.unused", "coupon.overused",
)  # fmt: skip


class EventsTable(_Table):
    """[[events]]: a URL that hears of what happens, as signed CloudEvents; `types` empty means all."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    url: Annotated[str, Field(pattern="^https?://")]
    secret: Annotated[str, Field(min_length=16, repr=False)]
    types: list[str] = []
    low: Units = 5


class Config(_Table):
    """The whole file."""

    database: str = "bridge.db"
    channels: Annotated[dict[str, ChannelTable], Field(min_length=1)]
    stock: StockTable = StockTable()
    policy: list[PolicyTable] = []
    guard: GuardTable = GuardTable()
    kits: dict[str, dict[str, Annotated[int, Field(ge=1, le=1_000_000)]]] = {}
    orders: OrdersTable = OrdersTable()
    products: ProductsTable = ProductsTable()
    points: PointsTable | None = None
    customers: CustomersTable = CustomersTable()
    coupons: CouponsTable = CouponsTable()
    daemon: DaemonTable = DaemonTable()
    audit: AuditTable = AuditTable()
    web: WebTable = WebTable()
    tokens: list[TokenTable] = []
    events: list[EventsTable] = []
