"""Writing listings: texts and state by form, prices and SKUs through the inventory, new ones as drafts."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bridge.contract.errors import BridgeError, Gone, Refused
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product
from bridge.wire.payload import Payload, rows, text
from bridge.wire.product_edits import check, only, outcome_of, place_of
from bridge.wire.sku_index import Listed, SkuIndex
from connectors.etsy.catalog import Catalog
from connectors.etsy.client import Client
from connectors.etsy.drafts import MAX_TITLE, combined, form_of, lacks
from connectors.etsy.identity import name_of
from connectors.etsy.inventory import Inventories, patched
from connectors.etsy.mapping import is_digital

__all__ = ["Products"]

_CANNOT = {
    "images": "Etsy's API takes files only",
    "compare_at": "Etsy has sales of the whole shop instead",
    "barcode": "Etsy has no field for it",
    "weight_grams": "it is a matter of the shipping profile",
}
_TEXTS = ("title", "description")


class Products:
    """The products port, and the preview of what the map lacks for a product."""

    def __init__(self, client: Client, catalog: Catalog, inventories: Inventories) -> None:
        self._client = client
        self._catalog = catalog
        self._inventories = inventories
        self._skus = SkuIndex(self._listed, client.now, client.where)

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write listings one after another; one result each, in order."""
        del key
        return [await outcome_of(edit, self._edited) for edit in edits]

    async def problems(self, product: Product) -> Sequence[str]:
        """Say what keeps a listing from being made; the category's own rules are Etsy's to say."""
        try:
            return lacks(product, place_of(product, self._client.settings.listing_map))
        except Refused as error:
            return [f"{error.what}: {error.next_step}"]

    async def create(self, product: Product, key: str) -> Product:
        """Make a draft, or return the listing that has one of its SKUs. Photos are added by hand: Etsy takes files only."""
        del key
        if (there := await self._skus.find(product)) and (found := await self._catalog.get([there])):
            return found[0]
        place = place_of(product, self._client.settings.listing_map)
        if said := lacks(product, place):
            raise Refused("; ".join(said), where=self._client.where, next_step="then `bridge retry`")
        identity = self._skus.begun(product.title)
        try:
            properties = await self._properties(place.id) if product.options else []
            body = combined(product, place, properties)
            identity = identity or await self._draft(form_of(product, place))
            await self._client.write("PUT", f"listings/{identity}/inventory", "write a new listing's inventory", body)
        except BridgeError:
            self._skus.forget()
            raise
        self._skus.note(product, identity)
        await self._published(identity)
        return only(await self._catalog.get([identity]), identity, self._client.where)

    async def delete(self, product_id: str) -> None:
        """Take a listing out of sale; one that is out already, or gone, is fine."""
        for found in await self._catalog.raw([product_id]):
            if text(found, "state") in {"active", "sold_out"}:
                await self._update(product_id, {"state": "inactive"})

    async def _edited(self, edit: ProductEdit) -> Product:
        identity, prices = edit.current.id, [own.price for own in edit.current.variants if own.price]
        check(edit, _CANNOT, title=MAX_TITLE, currency=prices[0].currency if prices else "")
        form: dict[str, str] = {name: getattr(edit, name) for name in _TEXTS if name in edit.fields}
        if "status" in edit.fields and edit.status != edit.current.status:
            form["state"] = self._state(edit)
        if edit.variants:
            await self._variants(edit)
        if form:
            await self._update(identity, form)
        return only(await self._catalog.get([identity]), identity, self._client.where)

    def _state(self, edit: ProductEdit) -> str:
        """Return Etsy's word for a status; raises Refused for a change that it does not make, or not without a fee."""
        if edit.status == "archived":
            return "inactive"
        if edit.status == "draft":
            raise Refused("status: a listing does not become a draft again; archive it")
        if edit.current.status == "draft" and not self._client.settings.publish:
            raise Refused("status: publishing a draft costs Etsy's fee; publish it on Etsy, or set `publish = true`")
        return "active"

    async def _update(self, identity: str, form: dict[str, str]) -> None:
        path = await self._client.of_shop(f"listings/{identity}")
        if form.get("state") == "active":
            await self._demand_free(identity)
        # Setting a text to what it is, is harmless; activating may cost a fee.
        again = form.get("state") != "active"
        await self._client.form("PATCH", path, f"update listing {identity}", form, repeatable=again)

    async def _demand_free(self, identity: str) -> None:
        record = await self._inventories.read(identity)
        ends, state = record.listing.get("ending_timestamp"), text(record.listing, "state")
        runs = isinstance(ends, int) and ends > record.at.timestamp()
        costs = state in {"sold_out", "expired"} or (state == "inactive" and not runs)
        if costs and not self._client.settings.renew:
            raise Refused("status: renewing costs Etsy's fee; renew it on Etsy, or set `renew = true`")

    async def _variants(self, edit: ProductEdit) -> None:
        wanted = {own.id: own for own in edit.variants}
        identity = edit.current.id
        async with self._inventories.turns[identity]:
            record = await self._inventories.read(identity)
            if is_digital(record.listing):
                raise Refused("price: the inventory of a download is not written")

            def patch(one: Payload, made: dict[str, Any], offered: dict[str, Any]) -> None:
                own = wanted.pop(name_of(identity, rows(one, "property_values")), None)
                if own is not None and "price" in own.fields and own.price is not None:
                    offered["price"] = float(own.price.decimal)
                if own is not None and "sku" in own.fields:
                    made["sku"] = own.sku or ""

            body = patched(record.inventory, patch, self._client.settings.processing_profile)
            if wanted:
                raise Gone(f"listing {identity} has no variation {next(iter(wanted))} any more")
            await self._inventories.put(record, body)

    async def _draft(self, form: dict[str, str]) -> str:
        path = await self._client.of_shop("listings")
        made, _ = await self._client.form("POST", path, "create a draft listing", form)
        return text(made, "listing_id")

    async def _published(self, identity: str) -> None:
        """Publish where that is allowed; Etsy wants a photo first, and without one the draft is left to a person."""
        if self._client.settings.publish:
            try:
                await self._update(identity, {"state": "active"})
            except Refused:
                return

    async def _properties(self, taxonomy: str) -> list[Payload]:
        path = f"seller-taxonomy/nodes/{taxonomy}/properties"
        return rows((await self._client.get(path, "read the category's properties"))[0], "results")

    async def _listed(self) -> AsyncIterator[Listed]:
        """Read all SKUs of the shop, and the drafts that have none yet."""
        async for found, _ in self._catalog.walk():
            for one in found:
                skus = tuple(sku for sku in one.get("skus") or () if sku)
                begun = text(one, "state") == "draft" and not skus
                yield Listed(id=text(one, "listing_id"), skus=skus, title=text(one, "title") if begun else "")
