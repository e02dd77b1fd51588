"""One shop's whole state: its tables, look-up indexes, id counters and clock. No HTTP, no GraphQL."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bridge.sandbox.shopify.discount_model import Discount, Import
from bridge.sandbox.shopify.model import (
    Customer,
    Fulfillment,
    FulfillmentOrder,
    Item,
    Job,
    Level,
    LineItem,
    Location,
    Operation,
    Order,
    Product,
    Record,
    Variant,
    gid,
)
from bridge.sandbox.shopify.query import words
from bridge.sandbox.shopify.table import Table, What
from bridge.sandbox.shopify.webhooks import Webhooks

R = TypeVar("R", bound=Record)
Now = Callable[[], datetime]
# Real ids of one kind are far apart; every kind starts elsewhere, so that a number used for the wrong kind finds nothing.
FIRST = {
    "Location": 106318430514,
    "Product": 10220854182194,
    "ProductVariant": 51364592877874,
    "InventoryItem": 53469430055218,
    "Order": 8838022103346,
    "LineItem": 19495196295474,
}
STEP = 32768
LEVEL_OFFSET = (
    36954570752  # one number per location, the item is in the id's query (recorded: InventoryLevel/143273001266)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a build may choose. Times are seconds, `utc_offset` hours."""

    name: str = "Sandbox shop"
    currency: str = "USD"
    domain: str = "sandbox.myshopify.com"
    host: str = "https://sandbox.myshopify.com"
    utc_offset: int = -5
    locations: tuple[str, ...] = ("Shop location",)
    scopes: frozenset[str] = frozenset()
    search_lag: float = 0.0
    job_seconds: float = 0.0
    personal_data: bool = True
    orders_per_minute: int | None = None
    app_name: str = "commerce-bridge"
    webhook_version: str = "2026-10"
    compliance_url: str = ""
    usage_lag: float = 0.0
    limit_per_code: bool = True


@dataclass(slots=True)
class State:
    """All records of a shop."""

    now_of: Now
    rng: random.Random
    settings: Settings
    counters: dict[str, int] = field(default_factory=dict)
    skus: dict[str, dict[int, Variant]] = field(default_factory=dict)
    handles: dict[str, Product] = field(default_factory=dict)
    references: dict[str, list[Order]] = field(default_factory=dict)
    customers_by_email: dict[str, Customer] = field(default_factory=dict)
    customers_by_phone: dict[str, Customer] = field(default_factory=dict)
    codes: dict[str, Discount] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    lines: dict[int, LineItem] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    pending: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    order_times: list[datetime] = field(default_factory=list)
    installed: bool = True
    webhooks: Webhooks = field(init=False)
    locations: Table[Location] = field(init=False)
    products: Table[Product] = field(init=False)
    variants: Table[Variant] = field(init=False)
    items: Table[Item] = field(init=False)
    orders: Table[Order] = field(init=False)
    customers: Table[Customer] = field(init=False)
    discounts: Table[Discount] = field(init=False)
    fulfillments: Table[Fulfillment] = field(init=False)
    fulfillment_orders: Table[FulfillmentOrder] = field(init=False)

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(self.now_of, self.settings.domain, self.settings.webhook_version)
        self.locations = Table(self.now_of)
        self.products = Table(self.now_of, self._teller("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE"))
        self.variants = Table(self.now_of)
        self.items = Table(self.now_of)
        self.orders = Table(self.now_of, self._teller("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_DELETE"))
        self.customers = Table(self.now_of, self._teller("CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE"))
        self.discounts = Table(self.now_of, self._teller("DISCOUNTS_CREATE", "DISCOUNTS_UPDATE", "DISCOUNTS_DELETE"))
        self.fulfillments = Table(self.now_of)
        self.fulfillment_orders = Table(self.now_of)
        for name in self.settings.locations:
            self.locations.add(Location(**self.stamps("Location"), name=name))

    def _teller(self, made: str, changed: str, gone: str) -> Callable[[What, Any], None]:
        topics = {"made": made, "changed": changed, "gone": gone}
        return lambda what, record: self.webhooks.tell(topics[what], record)

    def now(self) -> datetime:
        """Return the time in whole seconds, as every DateTime of the API has it."""
        return self.now_of().replace(microsecond=0)

    @property
    def lag(self) -> timedelta:
        return timedelta(seconds=self.settings.search_lag)

    def number(self, kind: str) -> int:
        """Return the next number of a kind."""
        value = self.counters.get(kind, FIRST.get(kind, 1_000_000_000)) + STEP
        self.counters[kind] = value
        return value

    def stamps(self, kind: str) -> dict[str, Any]:
        """Return number and times of a new record."""
        now = self.now()
        return {"number": self.number(kind), "created_at": now, "updated_at": now}

    def later(self, action: Callable[[], None], job_id: str) -> Job:
        """Put off an asynchronous piece of work; it takes effect once it is due, before anyone can look."""
        job = Job(job_id, self.now_of() + timedelta(seconds=self.settings.job_seconds))
        self.jobs[job_id] = job

        def run() -> None:
            action()
            job.done = True

        self.pending.append((job.due, run))
        if self.webhooks.heard:
            # Nobody may look at the shop again, and yet it has to say what the job did.
            asyncio.get_running_loop().call_later(self.settings.job_seconds + 0.001, self._settle_and_tell)
        return job

    def _settle_and_tell(self) -> None:
        self.settle()
        self.webhooks.publish()

    def settle(self) -> None:
        """Do the asynchronous work that is due."""
        if not self.pending:
            return
        now = self.now_of()
        due = [run for when, run in self.pending if when <= now]
        self.pending = [entry for entry in self.pending if entry[0] > now]
        for run in due:
            run()

    def level(self, item: Item, location: Location) -> Level | None:
        return item.levels.get(location.number)

    def stocked(self, item: Item, location: Location) -> Level:
        """Return the level of an item at a location, connecting the two where they were not."""
        level = item.levels.get(location.number)
        if level is None:
            now = self.now()
            level = Level(location.number + LEVEL_OFFSET, now, now, item=item, location=location)
            level.touched["available"] = now
            item.levels[location.number] = level
            self.webhooks.tell("INVENTORY_LEVELS_CONNECT", level)
        return level

    def touch_product(self, product: Product) -> None:
        self.products.touch(product)

    def index_sku(self, variant: Variant, old: str | None, new: str | None) -> None:
        """Move a variant to its new SKU in the word index, which ignores case as search does."""
        for word in words(old):
            self.skus.get(word, {}).pop(variant.number, None)
        for word in words(new):
            self.skus.setdefault(word, {})[variant.number] = variant

    def with_words(self, sku: str) -> list[Variant]:
        """Return the variants whose SKU holds all words of this one."""
        sets = [self.skus.get(word, {}) for word in words(sku)]
        return list(min(sets, key=len).values()) if sets else []

    def by_sku(self, sku: str) -> list[Variant]:
        """Return the variants with exactly this SKU, oldest first."""
        return sorted((found for found in self.with_words(sku) if found.sku == sku), key=lambda found: found.number)

    def index_reference(self, order: Order) -> None:
        """Make an order findable by its sourceIdentifier."""
        for word in words(order.source_identifier):
            self.references.setdefault(word, []).append(order)

    def forget(self, order: Order) -> None:
        """Delete an order with its fulfilment; nothing goes back on the shelf."""
        for word in words(order.source_identifier):
            self.references[word].remove(order)
        for ticket in order.fulfillment_orders:
            self.fulfillment_orders.remove(ticket)
        for done in order.fulfillments:
            self.fulfillments.remove(done)
        for line in order.lines:
            del self.lines[line.number]
        self.orders.remove(order)

    def references_with_words(self, reference: str) -> list[Order]:
        """Return the orders whose sourceIdentifier may match."""
        return min((self.references.get(word, []) for word in words(reference)), key=len, default=[])

    def open_locations(self) -> Iterator[Location]:
        """Yield the locations that ship online orders, in their order of priority."""
        return (place for place in self.locations.rows.values() if place.is_active and place.fulfills_online_orders)

    def find(self, global_id: str) -> Any:
        """Return the record behind a global id, None where there is none."""
        kind, number = split(global_id)
        tables: dict[str, Table[Any]] = {
            "Location": self.locations,
            "Product": self.products,
            "ProductVariant": self.variants,
            "InventoryItem": self.items,
            "Order": self.orders,
            "Customer": self.customers,
            "DiscountCodeNode": self.discounts,
            "Fulfillment": self.fulfillments,
            "FulfillmentOrder": self.fulfillment_orders,
            "WebhookSubscription": self.webhooks.subscriptions,
        }
        if kind == "InventoryLevel":
            return self.find_level(global_id)
        if kind == "LineItem":
            return self.lines.get(number)
        if kind == "DiscountRedeemCodeBulkCreation":
            return self.imports.get(global_id)
        if kind == "Job":
            return self.jobs.get(global_id)
        if kind == "ProductSetOperation":
            return self.operations.get(global_id)
        return tables[kind].get(number) if kind in tables else None

    def find_level(self, global_id: str) -> Level | None:
        """Return the level behind an id like gid://shopify/InventoryLevel/1?inventory_item_id=2."""
        head, _, item_number = global_id.partition("?inventory_item_id=")
        item = self.items.get(int(item_number)) if item_number.isdigit() else None
        _, number = split(head)
        return item.levels.get(number - LEVEL_OFFSET) if item else None

    def job_id(self) -> str:
        """Return a new Job id; Shopify's are UUIDs."""
        digits = f"{self.rng.getrandbits(128):032x}"
        return gid("Job", "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def split(global_id: str) -> tuple[str, int]:
    """Take a global id apart; an id that is none gives ("", 0)."""
    parts = global_id.partition("?")[0].split("/")
    if len(parts) != 5 or parts[0] != "gid:" or not parts[4].isdigit():
        return (parts[3] if len(parts) == 5 else ""), 0
    return parts[3], int(parts[4])
