"""Products and stock in the hands of the merchant: seeding, editing and deleting items, reading the shelves."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.square.catalog import Entry, at_location
from bridge.sandbox.square.catalog_write import MAX_PER_BATCH
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import UNIT, Json

DASHBOARD: Json = {"product": "DASHBOARD", "application_id": "sq0ids-dashboard", "name": "Square Dashboard"}
NO_MINOR = frozenset({"JPY", "KRW", "VND", "CLP"})


def minor(price: str | float | Decimal, currency: str) -> int:
    """Turn a decimal price into minor units."""
    return int(Decimal(str(price)).scaleb(0 if currency in NO_MINOR else 2).to_integral_value())


class Shelves:
    """Items and counts as the merchant sees them in the dashboard."""

    def __init__(self, state: State, host: str) -> None:
        self.state = state
        self.host = host.rstrip("/")
        self.options: dict[str, str] = {}
        self.values: dict[tuple[str, str], str] = {}
        self.tax_ids: list[str] | None = None

    def minor(self, price: str | float | Decimal) -> int:
        """Turn a decimal price into the seller's minor units."""
        return minor(price, self.state.options.currency)

    def decimal(self, amount: int) -> str:
        """Print minor units as a decimal string."""
        return str(Decimal(amount).scaleb(0 if self.state.options.currency in NO_MINOR else -2))

    def seed(self, products: list[Json]) -> list[Json]:
        """Create items with images, options and opening stock; return one row per variant."""
        rows: list[Json] = []
        for start in range(0, len(products), MAX_PER_BATCH):
            part = products[start : start + MAX_PER_BATCH]
            objects = [self._object(product, start + n) for n, product in enumerate(part)]
            body = {"batches": [{"objects": objects}]}
            made = self.state.writer.batch_upsert(body)["objects"]
            for product, item in zip(part, made, strict=True):
                rows += self._stock_up(product, item)
        return rows

    def edit(self, variation: Entry, fields: Json) -> None:
        """Edit one variation and the item it belongs to; the keys are those of `Shop.seed`."""
        version = self.state.catalog.next_version()
        item = self._item(variation)
        known = _edited(self, fields)
        if known["item"]:
            self.state.catalog.replace(item, {**item.data, **known["item"]}, item.extra, version)
        if known["variation"]:
            self.state.catalog.replace(variation, {**variation.data, **known["variation"]}, variation.extra, version)
        if fields.get("stock") is not None:
            self._counts(variation.id, fields["stock"])

    def delete(self, variation: Entry) -> None:
        """Delete the item of a variation."""
        self.state.catalog.delete(self._item(variation), self.state.catalog.next_version())

    def find(self, line: Json) -> Entry:
        """Find a variation by "id", or by a "sku" that is unique."""
        if line.get("id"):
            entry = self.state.catalog.live(line["id"], "ITEM_VARIATION")
            if entry is None:
                raise RefusedError(f"no such variation: {line['id']}")
            return entry
        found = self.state.catalog.by_sku.get(str(line["sku"]).casefold()) or []
        if len(found) != 1:
            raise RefusedError(f"{len(found)} variations have the SKU {line['sku']}")
        return self.state.catalog.entries[found[0]]

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the IN_STOCK counts of tracked variations."""
        rows: dict[str, dict[str, int]] = {}
        for entry in self.state.catalog.variations():
            keys = self.state.inventory.by_variation.get(entry.id, ())
            tracked = [key for key in keys if at_location(entry, key[1], "track_inventory")]
            counts = {key[1]: self.state.inventory.of(key) for key in tracked}
            shown = {place: count // UNIT for place, count in counts.items() if count is not None}
            if shown:
                rows[_free_name(rows, entry.data.get("sku") or entry.id)] = shown
        return rows

    def _object(self, product: Json, number: int) -> Json:
        item_id = f"#item{number}"
        data: Json = {"name": product["title"], "is_archived": product.get("status") == "archived"}
        if product.get("description"):
            data["description_html"] = product["description"]
        data["image_ids"] = [self.image(url) for url in product.get("images") or ()]
        data["tax_ids"] = self._taxes()
        names = list(dict.fromkeys(name for v in product["variants"] for name in v.get("options") or {}))
        if names:
            data["item_options"] = [{"item_option_id": self._option(name)} for name in names]
        data["variations"] = [
            {"type": "ITEM_VARIATION", "id": f"{item_id}v{n}", "item_variation_data": self._variation_data(variant)}
            for n, variant in enumerate(product["variants"])
        ]
        return {
            "type": "ITEM",
            "id": item_id,
            "item_data": {name: value for name, value in data.items() if value != []},
        }

    def _variation_data(self, variant: Json) -> Json:
        options = variant.get("options") or {}
        data: Json = {
            "name": ", ".join(options.values()) or "Regular",
            "sku": variant.get("sku"),
            "upc": variant.get("barcode"),
            "pricing_type": "FIXED_PRICING",
            "price_money": self.state.money(self.minor(variant["price"])),
            "track_inventory": variant.get("stock") is not None,
        }
        if options:
            data["item_option_values"] = self.option_values(options)
        return {name: value for name, value in data.items() if value is not None}

    def option_values(self, options: dict[str, str]) -> list[Json]:
        """Return the references of a variation to its option values, making the values that are new."""
        return [
            {"item_option_id": self._option(name), "item_option_value_id": self._value(name, value)}
            for name, value in options.items()
        ]

    def image(self, url: str) -> str:
        """Put an image into the library; a path is completed with the host."""
        full = url if "://" in url else f"{self.host}/{url.lstrip('/')}"
        return self._make("IMAGE", {"name": url.rsplit("/", 1)[-1], "url": full})

    def _option(self, name: str) -> str:
        if name not in self.options:
            self.options[name] = self._make("ITEM_OPTION", {"name": name, "display_name": name})
        return self.options[name]

    def _value(self, name: str, value: str) -> str:
        if (name, value) not in self.values:
            option = self._option(name)
            data = {
                "item_option_id": option,
                "name": value,
                "ordinal": len(self.state.catalog.entries[option].children),
            }
            self.values[name, value] = self._make("ITEM_OPTION_VAL", data, option)
        return self.values[name, value]

    def _taxes(self) -> list[str]:
        tax = self.state.options.tax
        if self.tax_ids is None:
            self.tax_ids = []
            if tax is not None:
                inclusion = "INCLUSIVE" if tax.get("inclusive") else "ADDITIVE"
                data = {"name": tax["name"], "percentage": str(tax["percentage"]), "inclusion_type": inclusion}
                data |= {"calculation_phase": "TAX_SUBTOTAL_PHASE", "enabled": True}
                self.tax_ids = [self._make("TAX", data)]
        return list(self.tax_ids)

    def _make(self, kind: str, data: Json, parent: str | None = None) -> str:
        catalog = self.state.catalog
        return catalog.add(kind, data, {}, catalog.next_version(), parent, self.state.ids.make(24)).id

    def _stock_up(self, product: Json, item: Json) -> Iterator[Json]:
        for variant, variation in zip(product["variants"], item["item_data"]["variations"], strict=True):
            if variant.get("stock") is not None:
                self._counts(variation["id"], variant["stock"])
            yield {
                "sku": variant.get("sku"),
                "product": item["id"],
                "variant": variation["id"],
                "stock_id": variation["id"],
            }

    def _counts(self, variation_id: str, stock: int | dict[str, int]) -> None:
        for place, count in (stock if isinstance(stock, dict) else {self.state.seller.main: stock}).items():
            location = self.state.seller.place(place)
            if location is None:
                raise RefusedError(f"no such location: {place}")
            self.state.inventory.count((variation_id, location), "IN_STOCK", count * UNIT, DASHBOARD)

    def _item(self, variation: Entry) -> Entry:
        return self.state.catalog.entries[str(variation.parent)]


def _edited(shelves: Shelves, fields: Json) -> dict[str, Json]:
    """Translate edited fields into those of the item and of the variation."""
    item: Json = {}
    variation: Json = {}
    for name, value in fields.items():
        if name == "title":
            item["name"] = value
        elif name == "description":
            item |= {"description": value, "description_html": value, "description_plaintext": value}
        elif name == "status":
            item["is_archived"] = value == "archived"
        elif name == "images":
            item["image_ids"] = [shelves.image(url) for url in value]
        elif name == "price":
            variation["price_money"] = shelves.state.money(shelves.minor(value))
        elif name in ("new_sku", "barcode"):
            variation["sku" if name == "new_sku" else "upc"] = value
        elif name == "options":
            variation |= {"name": ", ".join(value.values()), "item_option_values": shelves.option_values(value)}
        elif name == "stock":
            variation["track_inventory"] = value is not None
        else:
            raise TypeError(f"unknown field: {name}")
    return {"item": item, "variation": variation}


def _free_name(rows: dict[str, Any], name: str) -> str:
    """Return the name, or the name with the first free "#2", "#3" behind it."""
    if name not in rows:
        return name
    number = 2
    while f"{name}#{number}" in rows:
        number += 1
    return f"{name}#{number}"
