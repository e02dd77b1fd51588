"""The verbs of the people around an Etsy shop: buyers, and the seller in the shop manager."""

from typing import Any

from bridge.sandbox.etsy.errors import EtsyError
from bridge.sandbox.etsy.listings import Listing, Part
from bridge.sandbox.etsy.receipts import Line, Receipt
from bridge.sandbox.etsy.state import READINESS, SHIPPING, TAXONOMY, State
from bridge.sandbox.etsy.values import Json, decimal, minor
from bridge.sandbox.etsy.webhooks import EVENTS, Endpoint
from bridge.sandbox.kit.platform import RefusedError

# "Custom properties" of Etsy's own listing editor, for variations that no category knows.
CUSTOM = (513, 514, 515)
_STATES = {"active": "active", "draft": "draft", "archived": "inactive"}


class EtsyShop:
    """Implements `Shop`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def seed(self, products: list[Json]) -> list[Json]:
        """Make listings. `stock: None` makes a download; `"stock_at": "parent"` lets all variations share one number."""
        return [row for product in products for row in self._make(product)]

    def sale(self, lines: list[Json], **how: Any) -> str:
        """Buy. More of `how`: "shipping", "tax" (decimal strings)."""
        wanted = [(*self._find(line), int(line["quantity"]), line.get("price")) for line in lines]
        need: dict[tuple[int, Any], int] = {}
        for listing, part, quantity, _ in wanted:
            key = (listing.listing_id, part.chosen(listing.on.get("quantity", [])))
            need[key] = need.get(key, 0) + quantity
            can = listing.state == "active" and part.enabled
            if quantity < 1 or not can or (not listing.digital and need[key] > part.quantity):
                raise RefusedError(f"{part.quantity if can else 0} of {part.sku} are for sale, not {quantity}")
        priced = [
            (listing, part, quantity, part.price if price is None else self._minor(price))
            for listing, part, quantity, price in wanted
        ]
        return str(self.state.receipts.buy(priced, how).receipt_id)

    def pay(self, order: str) -> None:
        """The payment of a receipt arrives."""
        self.state.receipts.pay(self._receipt(order))

    def refund(self, order: str, lines: list[Json], *, restock: bool = True) -> str:
        """Give money back for lines. Etsy knows no goods in a refund, so nothing is restocked whatever is wished."""
        del restock
        receipt = self._receipt(order)
        if not receipt.paid or receipt.canceled:
            raise RefusedError(f"order {order} is {receipt.status}")
        amount = sum(self._sold(receipt, line).price * int(line["quantity"]) for line in lines)
        if amount > receipt.total - receipt.refunded:
            raise RefusedError(f"order {order} has no {amount} left to refund")
        self.state.receipts.refund(receipt, amount)
        return order

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Cancel a receipt. Only the option `cancel_restocks` puts units back: the seller has no such choice."""
        receipt = self._receipt(order)
        if receipt.canceled:
            raise RefusedError(f"order {order} is canceled already")
        self.state.receipts.cancel(receipt, restock=restock and self.state.options.cancel_restocks)

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Mark it as shipped, with a parcel or without."""
        told = tracking or {}
        body = {"tracking_code": told["number"], "carrier_name": told.get("carrier") or "other"} if told else {}
        try:
            self.state.receipts.ship(self._receipt(order), body)
        except EtsyError as error:
            raise RefusedError(error.error) from error

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Nobody changes what was bought on Etsy."""
        raise RefusedError(f"order {order} cannot be changed: Etsy has no such thing ({sku} to {quantity})")

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """The seller types a number into the listing; one that was out of sale for want of units is activated with it."""
        del location
        listing, part = self._find({"sku": sku})
        empty = listing.state == "inactive" and listing.units <= 1
        self._set(listing, part, quantity)
        if empty and listing.units > 1:
            self.state.listings.move(listing, "active")

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit a listing in the shop manager."""
        listing, part = self._find({"sku": sku})
        listing.data |= {name: fields[name] for name in ("title", "description") if name in fields}
        if "images" in fields:
            listing.images = self._images(listing.listing_id, fields["images"])
        if "price" in fields:
            part.price = self._minor(fields["price"])
        part.sku = fields.get("new_sku", part.sku)
        if "status" in fields:
            listing.state = _STATES[fields["status"]]
        if fields.get("stock") is not None:
            self._set(listing, part, int(fields["stock"]))
        self.state.listings.touch(listing)

    def delete_product(self, sku: str) -> None:
        """Delete the listing that holds a SKU."""
        listing, _ = self._find({"sku": sku})
        del self.state.listings.all[listing.listing_id]

    def renew(self, sku: str) -> None:
        """The seller renews a listing, for the fee."""
        listing, _ = self._find({"sku": sku})
        self.state.listings.move(listing, "active")
        self.state.listings.touch(listing)

    def expire(self, sku: str) -> None:
        """Four months are over."""
        self.state.listings.expire(self._find({"sku": sku})[0])

    def hide(self, sku: str) -> None:
        """The seller switches one variation off."""
        listing, part = self._find({"sku": sku})
        part.enabled = False
        self.state.listings.touch(listing)

    def endpoint(self, url: str, events: tuple[str, ...] = EVENTS, more_secrets: tuple[str, ...] = ()) -> None:
        """The seller enters an address in the webhook portal."""
        made = Endpoint(url, self.state.options.webhook_secret, events, more_secrets)
        self.state.hooks.endpoints.append(made)

    def subscribe(self, url: str) -> str:
        """The seller enters an address for all events; returns the secret that the portal shows."""
        self.endpoint(url)
        return self.state.options.webhook_secret

    def state_of(self, sku: str) -> str:
        """Return the state of the listing that holds a SKU."""
        return self._find({"sku": sku})[0].state

    @property
    def fees(self) -> list[tuple[int, str]]:
        """The listing fees that were charged so far."""
        return self.state.listings.fees

    def stock(self) -> dict[str, dict[str, int]]:
        """Return what can be bought, by SKU: a listing that is sold out offers none, whatever was put into it since, and one that was
        taken out with one unit left in it neither."""
        rows: dict[str, dict[str, int]] = {}
        for listing in self.state.listings.all.values():
            closed = listing.state == "sold_out" or (listing.state == "inactive" and listing.units <= 1)
            for part in listing.parts if not listing.digital else []:
                rows[_free(rows, part.sku or str(part.product_id))] = {"": 0 if closed else part.quantity}
        return rows

    def orders(self) -> list[Json]:
        """Return all receipts, oldest first."""
        return [
            {
                "id": str(one.receipt_id), "status": one.status, "reference": None,
                "lines": [{"sku": line.part.sku, "quantity": line.quantity} for line in one.lines],
                "total": decimal(one.total, self.state.options.currency),
            }
            for one in self.state.receipts.all.values()
        ]  # fmt: skip

    def _make(self, product: Json) -> list[Json]:
        variants, state = product["variants"], self.state
        names = list(dict.fromkeys(name for one in variants for name in one.get("options") or {}))
        digital = all(one.get("stock") is None for one in variants)
        parts = [self._part(one, names) for one in variants]
        data = {
            "title": product["title"], "description": product.get("description") or product["title"],
            "type": "download" if digital else "physical", "taxonomy_id": TAXONOMY, "who_made": "i_did",
            "when_made": "2020_2026", "is_supply": False, "should_auto_renew": True, "shipping_profile_id": SHIPPING,
        }  # fmt: skip
        on = [CUSTOM[place] for place in range(len(names))]
        shared = product.get("stock_at") == "parent"
        told = {"price": on, "quantity": [] if shared else on, "sku": on, "readiness_state": []}
        listing = state.listings.make(data, _STATES[product.get("status") or "active"], parts, told)
        listing.images = self._images(listing.listing_id, product.get("images") or [])
        if listing.units <= 0 and listing.state == "active":
            listing.state = "sold_out"
        identity = str(listing.listing_id)
        return [
            {"sku": part.sku, "product": identity, "variant": str(part.product_id), "stock_id": identity}
            for part in parts
        ]

    def _part(self, variant: Json, names: list[str]) -> Part:
        told = variant.get("options") or {}
        values = tuple(
            self.state.inventory.value(CUSTOM[place], name, str(told[name]))
            for place, name in enumerate(names)
            if name in told
        )
        stock = variant.get("stock")
        quantity = 999 if stock is None else sum(stock.values()) if isinstance(stock, dict) else int(stock)
        sku = variant.get("sku") or ""
        return self.state.listings.part(sku, self._minor(variant["price"]), quantity, values, readiness=READINESS)

    def _images(self, listing_id: int, urls: list[str]) -> list[Json]:
        return [
            {
                "listing_id": listing_id, "listing_image_id": self.state.ids.fresh("image"), "rank": place + 1,
                "url_fullxfull": url, "created_timestamp": self.state.clock.seconds(), "alt_text": "",
            }
            for place, url in enumerate(urls)
        ]  # fmt: skip

    def _set(self, listing: Listing, part: Part, quantity: int) -> None:
        self.state.listings.take(listing, part, part.quantity - quantity)
        if listing.state == "sold_out" and listing.units > 0:
            # Typing a number into a sold-out listing is renewing it, for the fee (help.etsy.com, "sold out listings").
            self.state.listings.charge(listing, "renew by the seller")
            listing.state = "active"

    def _find(self, line: Json) -> tuple[Listing, Part]:
        found = [
            (listing, part)
            for listing in self.state.listings.all.values()
            for part in listing.parts
            if (str(part.product_id) == str(line["id"]) if line.get("id") else part.sku == line["sku"])
        ]
        if len(found) != 1:
            raise RefusedError(f"{len(found)} products are {line}")
        return found[0]

    def _sold(self, receipt: Receipt, line: Json) -> Line:
        _, part = self._find(line)
        found = next((one for one in receipt.lines if part.sku in ("", one.part.sku) or one.part is part), None)
        if found is None:
            raise RefusedError(f"order {receipt.receipt_id} has no line {line}")
        return found

    def _receipt(self, order: str) -> Receipt:
        found = self.state.receipts.all.get(int(order)) if order.isdigit() else None
        if found is None:
            raise RefusedError(f"no such order: {order}")
        return found

    def _minor(self, price: Any) -> int:
        return minor(price, self.state.options.currency)


def _free(rows: dict[str, Any], name: str) -> str:
    number, free = 2, name
    while free in rows:
        free, number = f"{name}#{number}", number + 1
    return free
