"""The records of one shop: products, stock levels, orders. Data only; the rules live in the modules beside it.

Quantities are whole units, money is `Decimal` in the shop's currency, times are aware UTC datetimes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

ZERO = Decimal(0)
QUANTITY_NAMES = (
    "available",
    "committed",
    "damaged",
    "incoming",
    "on_hand",
    "quality_control",
    "reserved",
    "safety_stock",
)


def gid(kind: str, number: int | str) -> str:
    """Return the global id of a record."""
    return f"gid://shopify/{kind}/{number}"


@dataclass(slots=True, eq=False)
class Record:
    """What every record has: its number, and when it came to be and last changed."""

    number: int
    created_at: datetime
    updated_at: datetime
    kind = "Record"

    @property
    def id(self) -> str:
        return gid(self.kind, self.number)

    @property
    def legacy_resource_id(self) -> str:
        return str(self.number)


@dataclass(slots=True, eq=False)
class Location(Record):
    name: str = ""
    is_active: bool = True
    fulfills_online_orders: bool = True
    kind = "Location"


@dataclass(slots=True, eq=False)
class Level(Record):
    """Stock of one item at one location; `on_hand` is never stored, it is the sum of the others."""

    item: "Item" = field(kw_only=True)
    location: Location = field(kw_only=True)
    is_active: bool = True
    quantities: dict[str, int] = field(default_factory=dict)
    touched: dict[str, datetime] = field(default_factory=dict)
    kind = "InventoryLevel"

    @property
    def id(self) -> str:
        return f"gid://shopify/InventoryLevel/{self.number}?inventory_item_id={self.item.number}"

    def quantity(self, name: str) -> int:
        """Return one state's units; `on_hand` = available + committed + the four unavailable states."""
        if name == "on_hand":
            return sum(units for state, units in self.quantities.items() if state != "incoming")
        return self.quantities.get(name, 0)


@dataclass(slots=True, eq=False)
class Item(Record):
    """An inventory item: what is counted. Several variants may share one."""

    sku: str | None = None
    tracked: bool = False
    requires_shipping: bool = True
    weight: Decimal = ZERO
    weight_unit: str = "KILOGRAMS"
    cost: Decimal | None = None
    country_code_of_origin: str | None = None
    province_code_of_origin: str | None = None
    harmonized_system_code: str | None = None
    levels: dict[int, Level] = field(default_factory=dict)
    variants: list["Variant"] = field(default_factory=list)
    kind = "InventoryItem"

    def sellable(self) -> int:
        """Return the units for sale over all active levels."""
        return sum(level.quantity("available") for level in self.levels.values() if level.is_active)


@dataclass(slots=True, eq=False)
class Option:
    number: int
    name: str
    values: dict[str, int]

    @property
    def id(self) -> str:
        return gid("ProductOption", self.number)


@dataclass(slots=True, eq=False)
class Media(Record):
    url: str = ""
    alt: str | None = None
    kind = "MediaImage"


@dataclass(slots=True, eq=False)
class Product(Record):
    title: str = ""
    handle: str = ""
    status: str = "ACTIVE"
    description_html: str = ""
    vendor: str = ""
    product_type: str = ""
    tags: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    variants: list["Variant"] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    published_at: datetime | None = None
    template_suffix: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None
    is_gift_card: bool = False
    kind = "Product"


@dataclass(slots=True, eq=False)
class Variant(Record):
    product: Product = field(kw_only=True)
    item: Item = field(kw_only=True)
    choices: dict[str, str] = field(default_factory=dict)
    barcode: str | None = None
    price: Decimal = ZERO
    compare_at_price: Decimal | None = None
    taxable: bool = True
    inventory_policy: str = "DENY"
    kind = "ProductVariant"

    @property
    def title(self) -> str:
        return " / ".join(self.choices.values()) or "Default Title"

    @property
    def sku(self) -> str | None:
        return self.item.sku


@dataclass(slots=True, eq=False)
class Customer(Record):
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    orders: int = 0
    marketing: str = "NOT_SUBSCRIBED"
    metafields: dict[tuple[str, str], "Metafield"] = field(default_factory=dict)
    kind = "Customer"

    @property
    def display_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email or ""


@dataclass(slots=True, eq=False)
class Metafield(Record):
    """A custom field of a record; `compare_digest` names its value for compare-and-set."""

    namespace: str = ""
    key: str = ""
    type: str = ""
    value: str = ""
    kind = "Metafield"

    @property
    def compare_digest(self) -> str:
        return sha256(f"{self.number}/{self.type}/{self.value}".encode()).hexdigest()


@dataclass(slots=True, eq=False)
class Application:
    """What was taken off an order, and why: a code (`code`), or by hand (`title`). `percent` is 0 for a fixed sum."""

    index: int
    code: str = ""
    title: str = ""
    percent: Decimal = ZERO
    amount: Decimal = ZERO
    target: str = "LINE_ITEM"
    entitled: bool = False

    @property
    def kind(self) -> str:
        return "DiscountCodeApplication" if self.code else "ManualDiscountApplication"


@dataclass(slots=True, eq=False)
class LineItem:
    """One line. `removed` = units refunded, edited away or cancelled; `fulfilled` = units shipped or handed over.

    `claims` = units this line still holds as committed, per level; what BYPASS created holds nothing.
    """

    number: int
    order: "Order"
    title: str
    quantity: int
    price: Decimal
    variant: Variant | None = None
    product: Product | None = None
    sku: str | None = None
    variant_title: str | None = None
    vendor: str | None = None
    requires_shipping: bool = True
    taxable: bool = True
    allocations: list[tuple[Application, Decimal]] = field(default_factory=list)
    taxes: list[dict[str, Any]] = field(default_factory=list)
    custom_attributes: list[dict[str, str]] = field(default_factory=list)
    fulfilled: int = 0
    removed: int = 0
    returned: int = 0
    refunded: int = 0
    claims: dict[Level, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return gid("LineItem", self.number)

    @property
    def discount(self) -> Decimal:
        return sum((amount for _, amount in self.allocations), ZERO)

    @property
    def current_quantity(self) -> int:
        return self.quantity - self.removed

    @property
    def unfulfilled_quantity(self) -> int:
        """Units still to be shipped: removing a shipped unit (a return) does not lower it."""
        return self.quantity - self.fulfilled - (self.removed - self.returned)


@dataclass(slots=True, eq=False)
class Transaction(Record):
    order: "Order" = field(kw_only=True)
    transaction_kind: str = "SALE"
    status: str = "SUCCESS"
    gateway: str = "manual"
    amount: Decimal = ZERO
    parent: "Transaction | None" = None
    test: bool = False
    kind = "OrderTransaction"


@dataclass(slots=True, eq=False)
class RefundLine:
    number: int
    line: LineItem
    quantity: int
    restock_type: str
    restocked: bool
    location: Location | None
    subtotal: Decimal

    @property
    def id(self) -> str:
        return gid("RefundLineItem", self.number)


@dataclass(slots=True, eq=False)
class Refund(Record):
    order: "Order" = field(kw_only=True)
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    processed_at: datetime | None = None
    kind = "Refund"

    @property
    def total(self) -> Decimal:
        return sum((payment.amount for payment in self.transactions if payment.status == "SUCCESS"), ZERO)


@dataclass(slots=True, eq=False)
class FulfillmentOrderLine:
    number: int
    line: LineItem
    total: int
    remaining: int
    kind = "FulfillmentOrderLineItem"

    @property
    def id(self) -> str:
        return gid(self.kind, self.number)


@dataclass(slots=True, eq=False)
class FulfillmentOrder(Record):
    order: "Order" = field(kw_only=True)
    location: Location = field(kw_only=True)
    status: str = "OPEN"
    method: str = "SHIPPING"
    lines: list[FulfillmentOrderLine] = field(default_factory=list)
    fulfillments: list["Fulfillment"] = field(default_factory=list)
    kind = "FulfillmentOrder"


@dataclass(slots=True, eq=False)
class Fulfillment(Record):
    order: "Order" = field(kw_only=True)
    location: Location = field(kw_only=True)
    name: str = ""
    status: str = "SUCCESS"
    display_status: str = "FULFILLED"
    lines: list[tuple[int, LineItem, int]] = field(default_factory=list)
    tracking: list[dict[str, str | None]] = field(default_factory=list)
    kind = "Fulfillment"


@dataclass(slots=True, eq=False)
class Order(Record):
    name: str = ""
    processed_at: datetime = field(kw_only=True)
    source_name: str = "web"
    source_identifier: str | None = None
    app_name: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    po_number: str | None = None
    tags: list[str] = field(default_factory=list)
    custom_attributes: list[dict[str, str]] = field(default_factory=list)
    discount_codes: list[str] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    customer: Customer | None = None
    shipping_address: dict[str, Any] | None = None
    billing_address: dict[str, Any] | None = None
    lines: list[LineItem] = field(default_factory=list)
    shipping_lines: list[dict[str, Any]] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    retail_location: Location | None = None
    declared_status: str | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    test: bool = False
    edited: bool = False
    taxes_included: bool = False
    kind = "Order"


@dataclass(slots=True, eq=False)
class Edit(Record):
    """A change of a line's quantity after the sale."""

    line: LineItem = field(kw_only=True)
    change: int = 0
    kind = "OrderEdit"


@dataclass(slots=True, eq=False)
class Job:
    """An asynchronous piece of work and when it is due."""

    id: str
    due: datetime
    done: bool = False


@dataclass(slots=True, eq=False)
class Operation:
    """The ticket of an asynchronous `productSet`."""

    id: str
    product: Product | None
    due: datetime
    user_errors: list[dict[str, Any]] = field(default_factory=list)
