"""Small values for tests of the inner layers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.effects import Bindings, Bound, Restock
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine
from bridge.domain.position import Position

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ZERO = Money(0, "EUR")


def at(seconds: float) -> datetime:
    """Return the moment that many seconds after the tests' noon."""
    return T0 + timedelta(seconds=seconds)


def line(variant: str | None = "v1", quantity: int = 1, *, held: int | None = -1, **more: Any) -> OrderLine:
    """Make an order line; `held` is the quantity unless given."""
    taken = quantity if held == -1 else held
    fields = {"id": f"line-{variant}", "unit_price": ZERO, "total": ZERO, "tax": ZERO, **more}
    return OrderLine(variant_id=variant, quantity=quantity, held=taken, **fields)


def order(
    *lines: OrderLine,
    name: str = "1",
    status: str = "paid",
    placed: float = 0,
    updated: float | None = None,
    **more: Any,
) -> Order:
    """Make an order, placed and last updated at seconds after noon."""
    stamps: dict[str, Any] = {"placed_at": at(placed), "updated_at": at(placed if updated is None else updated)}
    fields: dict[str, Any] = {
        "currency": "EUR",
        "total": ZERO,
        "shipping": ZERO,
        "refunded": ZERO,
        "status": status,
        **stamps,
        **more,
    }
    return Order(id=name, lines=lines, **fields)


def bindings(
    variants: Mapping[str, Bound] | None = None,
    *,
    places: Mapping[str, str] | None = None,
    home: str = "",
    restock: Restock = "always",
) -> Bindings:
    """Make bindings in which variant v1 is SKU A and v2 is SKU B, each with its own stock record."""
    usual = {"v1": Bound("A", "s1"), "v2": Bound("B", "s2")}
    return Bindings(
        variants=usual if variants is None else variants, places=places or {"": "main"}, home=home, restock=restock
    )


def position(channel: str = "web", stock_id: str = "s1", **more: Any) -> Position:
    """Make a position of SKU A at main that was verified at noon."""
    base: dict[str, Any] = {
        "sku": "A",
        "place": "main",
        "shown": 10,
        "target": 10,
        "base_at": T0,
        "base": "opening",
        "verified_at": T0,
    }
    location = more.pop("location", "")
    return Position(channel=channel, key=StockKey(stock_id, location), **(base | more))


def product(name: str, *variants: Variant, **more: Any) -> Product:
    """Make a product; without variants it has one, of SKU `SKU-<name>` with its own stock record."""
    usual = (Variant(id=f"v{name}", sku=f"SKU-{name}", stock_id=f"s{name}"),)
    return Product(id=name, title=f"Product {name}", updated_at=T0, variants=variants or usual, **more)
