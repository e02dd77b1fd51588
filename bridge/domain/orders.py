"""An order as its newest snapshot: what was bought, and what the platform did to its own number because of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.domain.money import Money

__all__ = ["Address", "Contact", "Order", "OrderLine", "OrderStatus", "Tracking"]

OrderStatus = Literal["placed", "paid", "fulfilled", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order; quantities are whole units.

    `quantity` is what is ordered now (after edits; a line of a return has a negative quantity).
    `held` is how many units the platform has taken off *its own* number for this line and not put back (negative: it put
    units on); None where the platform does not say. `refunded` counts units given back by the buyer or never delivered,
    restocked or not; `restocked` those of them that the platform says it put back, None where it does not say.
    `fulfilled` counts units shipped or handed over. `location` is the channel's id of the place the units come from.
    `total` is what the buyer pays for the units in `quantity`, tax included and discounts (the order's too) taken off; `tax` is
    the part of it that is tax. `returned` is the line of the order `Order.returns` names that comes back with this one.
    `discounted` says whether anything was taken off; `gift_card` whether a gift card is sold: it is money, no goods.
    """

    id: str
    variant_id: str | None
    sku: str | None = None
    title: str = ""
    quantity: int
    held: int | None
    refunded: int = 0
    restocked: int | None = 0
    fulfilled: int = 0
    unit_price: Money
    total: Money
    tax: Money
    location: str = ""
    returned: str = ""
    discounted: bool = False
    gift_card: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; any part may be empty."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who bought; platforms may redact any of it. `repr` shows no personal data."""

    id: str = ""
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """A parcel on its way."""

    number: str
    carrier: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The newest snapshot of an order. Times are the platform's, in UTC.

    `reference` is the bridge's own key, if the bridge made this order (a mirror). `returns` names the order whose goods
    came back, where a platform books a return as an order of its own (Square).
    `shipping` is the shipping total; `total` is what the buyer pays in all, tax included.
    """

    id: str
    number: str = ""
    status: OrderStatus
    placed_at: datetime
    updated_at: datetime
    currency: str
    lines: tuple[OrderLine, ...]
    total: Money
    shipping: Money
    refunded: Money
    source: str = ""
    reference: str | None = None
    returns: str | None = None
    customer: Contact | None = None
    ship_to: Address | None = field(default=None, repr=False)
    codes: tuple[str, ...] = ()
    tracking: tuple[Tracking, ...] = ()
    version: str | None = None
    test: bool = False
