"""The typed ports, and the bundle of them that a connector is."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bridge.contract.feed import Feed, Page
from bridge.contract.limits import Limits
from bridge.contract.loyalty import CouponsPort, CustomersPort, PointsPort
from bridge.contract.stock import StockPort, TicketPort
from bridge.contract.webhooks import HandshakePort, QueuePort, WebhookPort
from bridge.domain.catalog import Location, Product
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, Tracking

__all__ = [
    "AccountPort", "CatalogPort", "Connector", "CreationTicketPort", "EditTicketPort", "Identity", "LineRefund", "Making", "NewLine",
    "NewOrder", "OrderWriter", "OrdersPort", "PreviewPort", "ProductEdit", "ProductResult", "ProductsPort", "VariantEdit",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the credentials belong to. `missing` lists scopes that the configured work needs and the token has not.

    `now` is the platform's clock at the answer; `notes` are findings a merchant should read (each says what to do).
    """

    name: str
    currency: str
    now: datetime
    locations: tuple[Location, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = ""


class AccountPort(Protocol):
    """Who are we there?"""

    async def check(self) -> Identity:
        """Verify credentials and scopes without writing anything; raises NeedsPerson where a person must act."""


class CatalogPort(Protocol):
    """What the channel lists."""

    changes: Feed[Product]

    def all(self) -> AsyncIterator[Page[Product]]:
        """Read the whole catalogue (drafts included, trash left out)."""

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; one that is no more is left out."""


class OrdersPort(Protocol):
    """What was sold. Checkout drafts never appear."""

    changes: Feed[Order]

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantEdit:
    """Fields of a variant to write: only those named in `fields` ("price", "compare_at", "barcode", "weight_grams", "sku")."""

    id: str
    fields: frozenset[str]
    price: Money | None = None
    compare_at: Money | None = None
    barcode: str | None = None
    weight_grams: int | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEdit:
    """Fields of a product to write: only those named in `fields` ("title", "description", "status", "images").

    `current` is the product as we last read it (its `version` feeds compare-and-set). Stock is never part of it.
    """

    current: Product
    fields: frozenset[str]
    title: str = ""
    description: str = ""
    status: str = "active"
    images: tuple[str, ...] = ()
    variants: tuple[VariantEdit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductResult:
    """Outcome of one edit: the product as the channel returned it after the write, or why not.

    `stale`: the platform's version moved on; read again and plan again. `ticket`: the platform took the edit in and carries it out
    later: EditTicketPort says what became of it, and `product` is what it shall be. All edits of one call that were accepted have the
    same ticket.
    """

    id: str
    product: Product | None = None
    reason: str = ""
    stale: bool = False
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """A new product that the platform has taken in and makes later: CreationTicketPort says what became of it, `product` is what it
    shall be."""

    product: Product
    ticket: str


class ProductsPort(Protocol):
    """Write products. Setting a field to what it already is, is harmless, so an edit may be sent again after a lost answer."""

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write up to Limits.product_batch edits; one result each, in order. `key` is the idempotency key where one is taken."""

    async def create(self, product: Product, key: str) -> Product | Making:
        """Create a product that is missing there (ids in `product` are ignored, stock starts untracked or at 0).

        Looks for its SKUs first, so that a repeat after a lost answer finds the one already made. Raises Refused.
        """

    async def delete(self, product_id: str) -> None:
        """Take a product out of the catalogue (trash or archive where the platform has it); done already is fine.

        Where the platform only accepts it, the catalogue shows it a while later.
        """


class EditTicketPort(Protocol):
    """What became of product edits that were accepted to be carried out later. Only for platforms whose `edit` answers with tickets."""

    async def look(self, ticket: str, edits: Sequence[ProductEdit]) -> Sequence[ProductResult] | None:
        """Ask for the results of accepted edits: one each, in order, none with a ticket; None while the platform is at work.

        `edits` name the same fields and values as those that were accepted; `current` may be newer. Writes nothing. Raises Gone where
        the platform does not know the ticket any more: the products themselves have to tell.
        """


class CreationTicketPort(Protocol):
    """What became of new products that were accepted to be made later. Only for platforms whose `create` answers with tickets."""

    async def made(self, ticket: str, product: Product) -> Product | None:
        """Return the product as it is there now; None while the platform is at work.

        `product` is what `Making` said of it. Writes nothing. Raises Refused with what the platform found wrong, and Gone where it does
        not know the ticket any more: the catalogue has to tell.
        """


class PreviewPort(Protocol):
    """For platforms that can check a new listing without making it."""

    async def problems(self, product: Product) -> Sequence[str]:
        """Say what keeps `ProductsPort.create` from working, each with what to do (a category that the mapping lacks, an aspect that
        the platform wants); empty where nothing does. Changes nothing there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line of an order to be mirrored. Prices are what the buyer paid per unit and in all, tax included in `total`."""

    variant_id: str | None
    sku: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    tax: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order of another channel, to be created here so that it is packed here.

    `reference` is our key, unique for ever: it goes into the order and is what `find` looks for. `taken` asks that the
    platform takes the units off its own number (Limits.mirror_takes_stock).
    """

    reference: str
    note: str
    currency: str
    lines: tuple[NewLine, ...]
    shipping: Money
    total: Money
    placed_at: datetime
    location: str = ""
    customer: Contact | None = None
    ship_to: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRefund:
    """Units of one line to refund."""

    line_id: str
    quantity: int
    amount: Money


class OrderWriter(Protocol):
    """Create and change orders. Where the platform cannot express an action it is not in Limits.order_actions, and raises Refused."""

    async def find(self, reference: str) -> Order | None:
        """Look up the order that carries our reference; None if there is none."""

    async def mirror(self, order: NewOrder) -> Order:
        """Create it, paid. Sent once: the engine calls `find` before any repeat."""

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Mark everything left on it as shipped, with tracking where given; fulfilled already is fine."""

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:
        """Cancel it, putting the units back or not; cancelled already is fine."""

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Record a refund of these lines (no money is sent by us); `key` makes it happen once, by platform or by read-back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One configured channel: a frozen bundle of ports. An optional port the platform lacks is None.

    `orders` is None for a surface that shows goods and sells none (a catalogue for ads): only our own writes move its numbers.

    `shell` opens the platform's official client, authenticated, as (name, object) pairs for a Python prompt. `calls` says how
    many calls were sent since it was made, repeats included.
    """

    platform: str
    limits: Limits
    account: AccountPort
    catalog: CatalogPort
    stock: StockPort
    orders: OrdersPort | None
    products: ProductsPort | None = None
    order_writer: OrderWriter | None = None
    webhooks: WebhookPort | None = None
    tickets: TicketPort | None = None
    edit_tickets: EditTicketPort | None = None
    creation_tickets: CreationTicketPort | None = None
    queue: QueuePort | None = None
    handshake: HandshakePort | None = None
    preview: PreviewPort | None = None
    customers: CustomersPort | None = None
    points: PointsPort | None = None
    coupons: CouponsPort | None = None
    shell: Callable[[], dict[str, object]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
    calls: Callable[[], int] = lambda: 0

    @property
    def sales(self) -> OrdersPort:
        """The orders port of a channel that is known to have one."""
        assert self.orders is not None, f"{self.platform} sells nothing"
        return self.orders

    @property
    def offers(self) -> tuple[str, ...]:
        """Names of the ports this connector has: derived, so it cannot lie."""
        optional = (
            "orders", "products", "order_writer", "webhooks", "tickets", "edit_tickets", "creation_tickets", "queue", "handshake",
            "preview", "customers", "points", "coupons",
        )  # fmt: skip
        return ("account", "catalog", "stock", *(name for name in optional if getattr(self, name) is not None))
