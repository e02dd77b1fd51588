"""One Square seller: every part of the state, put together."""

from dataclasses import dataclass
from datetime import datetime

from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.square.catalog import Catalog, at_location
from bridge.sandbox.square.catalog_read import CatalogReader
from bridge.sandbox.square.catalog_write import CatalogWriter
from bridge.sandbox.square.customers import Customers
from bridge.sandbox.square.idempotency import Replays
from bridge.sandbox.square.inventory import Inventory
from bridge.sandbox.square.inventory_api import InventoryApi
from bridge.sandbox.square.loyalty import Loyalty, new_program
from bridge.sandbox.square.order_search import OrderSearch
from bridge.sandbox.square.orders import Order, Orders
from bridge.sandbox.square.payments import Payments
from bridge.sandbox.square.returns import Returns
from bridge.sandbox.square.seller import ALL_SCOPES, Seller, Token
from bridge.sandbox.square.values import UNIT, Clock, Ids, Json, money
from bridge.sandbox.square.webhook_delivery import Post
from bridge.sandbox.square.webhook_events import Events
from bridge.sandbox.square.webhook_people import PeopleWatch
from bridge.sandbox.square.webhook_subscriptions import Subscriptions
from bridge.sandbox.square.webhook_watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen when a stand-in is made.

    `catalog_write_seconds` is how long one catalog write keeps others out with 429; `calls_per_second` is the rate
    limit; `tax` ({"name", "percentage", "inclusive"}) is put on every seeded item; `personal` is whether the token is the
    application's own, and not one that a seller gave it by OAuth. `loyalty` is whether the seller has a loyalty program;
    `square_earns` is whether buyers with an account get its points at the till and in Square Online.
    """

    token: str = "EAAAl-sandbox-square-token"  # noqa: S105 - a made-up token of a made-up shop
    scopes: tuple[str, ...] = ALL_SCOPES
    personal: bool = True
    token_expires_at: datetime | None = None
    locations: tuple[str, ...] = ("Main Street", "Harbour")
    currency: str = "USD"
    country: str = "US"
    language: str = "en-US"
    timezone: str = "America/New_York"
    application_id: str = "sq0idp-sandbox-application"
    application_name: str = "Sandbox Application"
    variation_touches_item: bool = False
    catalog_write_seconds: float = 0.0
    calls_per_second: int | None = None
    tax: Json | None = None
    loyalty: bool = True
    square_earns: bool = False


class State:
    """Everything a Square account holds."""

    def __init__(self, clock: Clock, options: Options, courier: Courier) -> None:
        self.clock = clock
        self.options = options
        self.ids = Ids()
        self.token = Token(options.token, frozenset(options.scopes), options.token_expires_at)
        self.seller = Seller(
            clock, self.ids, options.locations, options.currency, options.country, options.language, options.timezone
        )
        self.application = {
            "product": "EXTERNAL_API",
            "application_id": options.application_id,
            "name": options.application_name,
        }
        self.catalog = Catalog(clock, self.ids, variation_touches_item=options.variation_touches_item)
        self.reader = CatalogReader(self.catalog)
        self.writer = CatalogWriter(self.catalog, options.currency)
        self.inventory = Inventory(clock, self.ids)
        self.inventory.on_stock = self._mark_sold_out
        self.inventory_api = InventoryApi(self.inventory, self.catalog, self.seller.locations, self.application)
        self.orders = Orders(clock, self.ids, self.seller, self.catalog, self.inventory, self.application)
        self.search = OrderSearch(self.orders)
        self.returns = Returns(self.orders)
        self.payments = Payments(self.orders, self.returns)
        self.customers = Customers(clock, self.ids, options.country)
        places = list(self.seller.locations)
        program = new_program(self.ids, clock.ms(), places, options.currency) if options.loyalty else None
        self.loyalty = Loyalty(clock, self.ids, self.customers, program)
        self.orders.on_settled = self._earn
        self.payments.on_given_back = self.loyalty.take_back
        self.replays = Replays()
        self.events = Events(clock, self.seller.merchant["id"])
        self.subscriptions = Subscriptions(clock)
        self.events.is_wanted = self.subscriptions.is_wanted
        self.post = Post(clock, self.events, self.subscriptions, courier)
        self.watch = Watch(self.events, self.orders, self.payments, self.inventory, self.catalog)
        self.people_watch = PeopleWatch(self.events, self.customers, self.loyalty)

    def money(self, amount: int) -> Json:
        """Make a `Money` of the seller."""
        return money(amount, self.options.currency)

    def _earn(self, order: Order) -> None:
        """Square's own program gives points for what its till and its web shop sell; an application calls for its own."""
        data = order.data
        if self.options.square_earns and order.source["product"] != "EXTERNAL_API" and data.get("customer_id"):
            tax = data["total_tax_money"]["amount"]
            self.loyalty.earn(data["customer_id"], order.id, order.total, tax, data["location_id"])

    def _mark_sold_out(self, variation: str, location: str, count: int) -> None:
        """Square marks a tracked variation as sold out where its count reaches zero (specification, `sold_out`)."""
        entry = self.catalog.entries.get(variation)
        if entry is None or not at_location(entry, location, "track_inventory"):
            return
        overrides = {one["location_id"]: dict(one) for one in entry.data.get("location_overrides") or ()}
        if count >= UNIT and location not in overrides:
            return
        overrides.setdefault(location, {"location_id": location})["sold_out"] = count <= 0
        entry.data = {**entry.data, "location_overrides": list(overrides.values())}
        self.catalog.forget_answer(entry)
