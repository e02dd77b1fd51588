"""The bench of a contract test: one stand-in, the connector that talks to it, and the people around both."""

import asyncio
import importlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bridge.contract.feed import Feed, Page
from bridge.contract.limits import Limits
from bridge.contract.loyalty import CouponsPort, CustomersPort, PointsPort
from bridge.contract.ports import (
    Connector,
    CreationTicketPort,
    EditTicketPort,
    Making,
    NewLine,
    NewOrder,
    OrdersPort,
    OrderWriter,
    ProductEdit,
    ProductResult,
    ProductsPort,
)  # fmt: skip
from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange, TicketPort
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.effects import Bindings, Bound
from bridge.domain.money import Money
from bridge.domain.orders import Order
from bridge.sandbox.kit.loop import START, SimulatedLoop
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.wire.http import Surroundings
from tests.contract.facts import FACTS, Facts
from tests.contract.wire import Wire

# A ticket is looked at as often as the engine would after some minutes.
LOOK_EVERY = 20.0

__all__ = ["Bench", "another", "good", "make", "moved", "pages", "tail"]


def good(sku: str, stock: Any = 10, price: str = "12.50", **more: Any) -> dict[str, Any]:
    """Describe a simple product for `Bench.seed`; keywords are fields of the variant, `title` and the like the product's."""
    parts = ("title", "description", "status", "images")
    own: dict[str, Any] = {part: more.pop(part) for part in parts if part in more}
    return {"title": f"Title of {sku}", **own, "variants": [{"sku": sku, "stock": stock, "price": price, **more}]}


def another(like: Product, sku: str, **changes: Any) -> Product:
    """Describe a product that a shop does not have yet, like one that it has."""
    variant = replace(like.variants[0], id="", stock_id=None, sku=sku, barcode=None)
    new: dict[str, Any] = {"id": "", "title": f"Title of {sku}", "variants": (variant,), "version": None, "extra": {}}
    return replace(like, **{**new, **changes})


def tail(identity: str) -> str:
    """Return the id as a connector gives it: a stand-in's verb may return a global id (gid://shopify/Order/17)."""
    return identity.rpartition("/")[2]


@dataclass(slots=True, kw_only=True)
class Bench:
    """One platform and its connector. `shop` are the verbs of shoppers and clerks, beyond those of the kit's `Shop` too."""

    name: str
    facts: Facts
    platform: Platform
    around: Surroundings
    wire: Wire
    loop: SimulatedLoop
    connector: Connector
    opened: list[Connector] = field(default_factory=list)
    home: str = ""

    touched: float = 0.0

    @property
    def shop(self) -> Any:
        """The verbs. Whoever takes them may be about to change something, which can be seen a while later only (`seen`)."""
        self.touched = self.loop.time()
        return self.platform.shop

    @property
    def limits(self) -> Limits:
        """What the connector says the platform takes."""
        return self.connector.limits

    @property
    def call_rows(self) -> int:
        """How many rows of different listings one stock call carries."""
        return 1 if self.facts.one_record else self.limits.stock_batch

    @property
    def sales(self) -> OrdersPort:
        """The orders port; only for tests marked `offers("orders")`."""
        return self.connector.sales

    @property
    def tickets(self) -> TicketPort:
        """The ticket port; only for tests marked `offers("tickets")`."""
        assert self.connector.tickets is not None
        return self.connector.tickets

    @property
    def edit_tickets(self) -> EditTicketPort:
        """The port that says what became of accepted edits."""
        assert self.connector.edit_tickets is not None
        return self.connector.edit_tickets

    @property
    def creation_tickets(self) -> CreationTicketPort:
        """The port that says what became of accepted creations."""
        assert self.connector.creation_tickets is not None
        return self.connector.creation_tickets

    @property
    def maker(self) -> ProductsPort:
        """The products port of a connector that can create (it has a listing map where one is needed)."""
        made = self.connect(**(self.facts.create_with or {})).products
        assert made is not None
        return made

    @property
    def products(self) -> ProductsPort:
        """The products port; only for tests marked `offers("products")`."""
        assert self.connector.products is not None
        return self.connector.products

    @property
    def writer(self) -> OrderWriter:
        """The order writer port; only for tests marked `offers("order_writer")`."""
        assert self.connector.order_writer is not None
        return self.connector.order_writer

    @property
    def people(self) -> CustomersPort:
        """The customers port; only for tests marked `offers("customers")`."""
        assert self.connector.customers is not None
        return self.connector.customers

    @property
    def points(self) -> PointsPort:
        """The points port; only for tests marked `offers("points")`."""
        assert self.connector.points is not None
        return self.connector.points

    def person(self, number: int, **fields: Any) -> str:
        """Make a customer's account: the one of this number, whose contacts are nobody else's. Return the connector's id of it."""
        mail, phone = f"person{number}@example.com", f"+1415555{number:04d}"
        made = self.shop.add_customer(**{"name": f"Person {number}", "email": mail, "phone": phone, **fields})
        return tail(str(made))

    def shows(self, customer: str) -> int | None:
        """Return the points that the platform itself shows to this customer."""
        shop: Any = self.platform.shop
        found: dict[str, int | None] = {tail(str(row["id"])): row["points"] for row in shop.customers()}
        return found[customer]

    @property
    def coupons(self) -> CouponsPort:
        """The coupons port; only for tests marked `offers("coupons")`."""
        assert self.connector.coupons is not None
        return self.connector.coupons

    def connect(self, **changes: Any) -> Connector:
        """Open another connector on the same stand-in, with some settings changed."""
        connector = _connect(self.name, self.platform, self.around, changes)
        self.opened.append(connector)
        return connector

    def fault(self, kind: str, call: str = "", **rule: Any) -> None:
        """Let calls go wrong: all of them, or those of one kind (`Facts.calls`)."""
        aim = dict(self.facts.calls[call]) if call else {}
        self.platform.faults.add(kind=kind, **aim, **rule)

    def calls_since(self, mark: int) -> int:
        """Return how many calls were made since `mark = len(bench.wire.calls)`."""
        return len(self.wire.calls) - mark

    async def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)

    async def seen(self) -> None:
        """Wait until a read is sure to show what was last done here (Limits.visible_after)."""
        if not self.limits.visible_after:
            return
        writes = (one.at for one in reversed(self.wire.all) if self.facts.writes(one.method, one.path, one.body))
        due = max(self.touched, next(writes, 0.0)) + self.limits.visible_after
        await self.wait(max(0.0, due - self.loop.time()))

    async def quiet(self) -> None:
        """Wait until everything that was accepted is carried out."""
        if self.connector.tickets is not None:
            await self.wait(self.limits.ticket_hours * 3600)

    def text(self, words: str) -> str:
        """Return a description as this platform has them."""
        return words if self.facts.plain_text else f"<p>{words}</p>"

    def take(self, sku: str, units: int) -> None:
        """Let units go without our doing: sold where people buy, else taken off by somebody's hand."""
        if self.connector.orders is not None:
            self.shop.sale([{"sku": sku, "quantity": units}])
        else:
            self.shop.count(sku, self.number(sku) - units)

    async def seed(self, *products: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Create products, and find out where the shop keeps its stock."""
        rows: list[dict[str, Any]] = self.shop.seed(list(products))
        places = {place for row in self.shop.stock().values() for place in row}
        identity = await self.connector.account.check()
        here = {one.name: one.id for one in identity.locations} | {one.id: one.id for one in identity.locations}
        self.home = next((here[place] for place in sorted(places) if place in here), "")
        return rows

    def number(self, sku: str) -> int:
        """Return the platform's own number of a SKU, over all its places."""
        return sum(self.shop.stock()[sku].values())

    async def catalogue(self) -> dict[str, Product]:
        """Read the whole catalogue by id, once what was done can be seen."""
        await self.seen()
        return {one.id: one async for page in self.connector.catalog.all() for one in page.items}

    async def variant(self, sku: str) -> tuple[Product, Variant]:
        """Find a SKU by reading the catalogue."""
        found = [(one, own) for one in (await self.catalogue()).values() for own in one.variants if own.sku == sku]
        assert len(found) == 1, f"{sku} is listed {len(found)} times"
        return found[0]

    async def key(self, sku: str) -> StockKey:
        """Return where the number of a SKU lives."""
        _, variant = await self.variant(sku)
        assert variant.stock_id is not None
        return StockKey(variant.stock_id, self.home)

    async def keys(self, skus: Sequence[str]) -> list[StockKey]:
        """Return where the numbers of several SKUs live, in one reading."""
        found = {own.sku: own.stock_id for one in (await self.catalogue()).values() for own in one.variants}
        return [StockKey(found[sku] or "", self.home) for sku in skus]

    async def level(self, sku: str) -> int | None:
        """Read a number through the connector."""
        key = await self.key(sku)
        await self.seen()
        (level,) = await self.connector.stock.read([key])
        return level.quantity

    async def write(self, *changes: StockChange, key: str = "key-1") -> Sequence[Applied | Rejected]:
        """Write rows in as many calls as they take, and wait for what becomes of them."""
        found: dict[StockKey, Applied | Rejected] = {}
        for number, batch in enumerate(self.connector.stock.batches(list(changes))):
            prepared = self.connector.stock.prepare(list(batch), f"{key}.{number}" if number else key)
            found |= {out.key: out for out in await self.send(prepared)}
        return [found[change.key] for change in changes]

    async def send(self, prepared: Prepared) -> Sequence[Applied | Rejected]:
        """Send one prepared write and wait for what becomes of it."""
        return await self.results(prepared, await self.connector.stock.send(prepared))

    async def results(self, prepared: Prepared, outcomes: Sequence[Outcome]) -> Sequence[Applied | Rejected]:
        """Turn what was only accepted into what became of it, at the platform's pace."""
        tickets = {out.ticket for out in outcomes if isinstance(out, Accepted)}
        assert len(tickets) <= 1, "all rows of one call that were accepted have the same ticket"
        ended = await self.ended(tickets.pop(), prepared) if tickets else ()
        assert not ended or len(ended) == len(outcomes), "one result per row"
        known = [ended[n] if isinstance(out, Accepted) else out for n, out in enumerate(outcomes)]
        assert [out.key for out in known] == [change.key for change in prepared.changes], "in the order of the rows"
        return known

    async def ended(self, ticket: str, prepared: Prepared) -> Sequence[Applied | Rejected]:
        """Ask for a ticket's results until there are any, as the engine does, some seconds apart."""
        over = self.loop.time() + self.limits.ticket_hours * 3600
        while (found := await self.tickets.look(ticket, prepared)) is None:
            assert self.loop.time() < over, "the ticket has no end within the time that its Limits name"
            await self.wait(LOOK_EVERY)
        return found

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write one batch of edits, and wait for what becomes of those that were only accepted."""
        results = await self.products.edit(edits, key)
        tickets = {one.ticket for one in results if one.ticket}
        assert len(tickets) <= 1, "all edits of one call that were accepted have the same ticket"
        open_ones = [n for n, one in enumerate(results) if one.ticket]
        ended = await self.edited(tickets.pop(), [edits[n] for n in open_ones]) if tickets else ()
        known = dict(zip(open_ones, ended, strict=True))
        return [known.get(n, one) for n, one in enumerate(results)]

    async def edited(self, ticket: str, edits: Sequence[ProductEdit]) -> Sequence[ProductResult]:
        """Ask for the results of accepted edits until there are any, as the engine does."""
        over = self.loop.time() + self.limits.ticket_hours * 3600
        while (found := await self.edit_tickets.look(ticket, edits)) is None:
            assert self.loop.time() < over, "the ticket has no end within the time that its Limits name"
            await self.wait(LOOK_EVERY)
        assert [one.id for one in found] == [edit.current.id for edit in edits], "one result each, in order"
        assert not any(one.ticket for one in found), "what has ended is not accepted once more"
        return found

    async def create(self, product: Product, key: str) -> Product:
        """Create a product, and wait until one that was only accepted is made."""
        made = await self.maker.create(product, key)
        return await self.made(made) if isinstance(made, Making) else made

    async def made(self, making: Making) -> Product:
        """Ask for a new product that was accepted until it is there, as the engine does."""
        over = self.loop.time() + self.limits.ticket_hours * 3600
        while (found := await self.creation_tickets.made(making.ticket, making.product)) is None:
            assert self.loop.time() < over, "the ticket has no end within the time that its Limits name"
            await self.wait(LOOK_EVERY)
        return found

    async def bindings(self) -> Bindings:
        """Return what every variant of the shop is bound to."""
        variants = [own for one in (await self.catalogue()).values() for own in one.variants]
        return Bindings(variants={own.id: Bound(own.sku, own.stock_id) for own in variants}, home=self.home)

    async def orders(self) -> dict[str, Order]:
        """Read every order through the feed, newest snapshot by id."""
        feed = self.sales.changes
        found: dict[str, Order] = {}
        async for page in feed.since(feed.begin(START - timedelta(days=2))):
            assert not page.bad
            found |= {one.id: one for one in page.items}
        return found

    def foreign_order(self, reference: str, *lines: NewLine, shipping: int = 0, total: int | None = None) -> NewOrder:
        """Describe an order of another channel, to be mirrored here."""
        paid = sum(line.total.minor for line in lines) + shipping
        return NewOrder(
            reference=reference,
            note="Sold on the marketplace",
            currency="USD",
            lines=lines,
            shipping=Money(shipping, "USD"),
            total=Money(paid if total is None else total, "USD"),
            placed_at=self.around.now(),
            location=self.home,
        )

    async def line(self, sku: str, quantity: int = 1, total: int = 1250, tax: int = 0) -> NewLine:
        """Describe a line of such an order; `total` are minor units for all of it."""
        _, variant = await self.variant(sku)
        each = Money(total // quantity, "USD")
        return NewLine(
            variant_id=variant.id, sku=sku, title=f"Title of {sku}", quantity=quantity, unit_price=each,
            total=Money(total, "USD"), tax=Money(tax, "USD"),
        )  # fmt: skip


def _connect(name: str, platform: Platform, around: Surroundings, changes: Mapping[str, Any]) -> Connector:
    module: Any = importlib.import_module(f"connectors.{name}")
    known = set(module.Settings.__dataclass_fields__)
    values = {field: value for field, value in platform.credentials.items() if field in known}
    values |= {"url": f"https://{FACTS[name].host}", **FACTS[name].settings, **changes}
    connector: Connector = module.connect(module.Settings(**values), around, where="the-channel")
    return connector


def make(name: str, **options: Any) -> Bench:
    """Build an empty stand-in with its connector; must be called on a simulated loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    facts = FACTS[name]
    package: Any = importlib.import_module(f"bridge.sandbox.{name}")
    platform = package.build(
        now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host=f"https://{facts.host}", **options
    )
    wire = Wire(InProcess(dict.fromkeys((facts.host, *facts.hosts), platform.app)), loop.time, tokens=facts.tokens)
    around = Surroundings(
        now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=random.Random(2), transport=wire, timeout=30.0
    )
    connector = _connect(name, platform, around, {})
    return Bench(
        name=name, facts=facts, platform=platform, around=around, wire=wire, loop=loop, connector=connector,
        opened=[connector],
    )  # fmt: skip


async def pages(feed: Feed[Any], cursor: str) -> list[Page[Any]]:
    """Read a feed to its end."""
    return [page async for page in feed.since(cursor)]


def moved(before: datetime, now: datetime) -> float:
    """Return the seconds between two moments."""
    return (now - before).total_seconds()
