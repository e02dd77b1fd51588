"""Writing listings: texts and state by form, prices and SKUs through the inventory, new ones as drafts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductEdit
from bridge.domain.catalog import Product
from bridge.wire.payload import Payload, rows, text
from bridge.wire.product_edits import OneByOne, check, only, place_of
from bridge.wire.sku_index import Listed, SkuIndex
from connectors.etsy.catalog import Catalog
from connectors.etsy.client import Client
from connectors.etsy.drafts import MAX_TITLE, combined, form_of, lacks
from connectors.etsy.inventory import Inventories
from connectors.etsy.mapping import writable

__all__ = ["Products"]

_CANNOT = {
    "images": "Etsy's API takes files only",
    "compare_at": "Etsy has sales of the whole shop instead",
    "barcode": "Etsy has no field for it",
    "weight_grams": "it is a matter of the shipping profile",
}


class Products(OneByOne):
    """The products port, and the preview of what the map lacks for a product."""

    def __init__(self, client: Client, catalog: Catalog, inventories: Inventories) -> None:
        self._client = client
        self._catalog = catalog
        self._inventories = inventories
        self._skus = SkuIndex(self._listed, client.now, client.where)

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
        form = form_of(product, place)
        with self._skus.making():
            properties = await self._properties(place.id) if product.options else []
            body = combined(product, place, properties)
            identity = self._skus.begun(form["title"]) or await self._draft(form)
            await self._inventories.put_new(identity, body)
        self._skus.note(product, identity)
        await self._published(identity)
        return only(await self._catalog.get([identity]), identity, self._client.where)

    async def delete(self, product_id: str) -> None:
        """Take a listing out of sale; one that is out already, or gone, is fine."""
        for found in await self._catalog.raw([product_id]):
            if text(found, "state") in {"active", "sold_out"}:
                await self._inventories.update(product_id, {"state": "inactive"})

    async def edited(self, edit: ProductEdit) -> Product:
        """Write prices and SKUs, then texts and state."""
        identity, prices = edit.current.id, [own.price for own in edit.current.variants if own.price]
        check(edit, _CANNOT, title=MAX_TITLE, currency=prices[0].currency if prices else "")
        form: dict[str, str] = {name: getattr(edit, name) for name in ("title", "description") if name in edit.fields}
        if "status" in edit.fields and edit.status != edit.current.status:
            form["state"] = await self._state(edit)
        if edit.variants:
            await self._variants(edit)
        if form:
            await self._inventories.update(identity, form)
        return only(await self._catalog.get([identity]), identity, self._client.where)

    async def _state(self, edit: ProductEdit) -> str:
        """Return Etsy's word for a status; raises Refused for a change that it does not make, or not without a fee."""
        if edit.status == "archived":
            return "inactive"
        if edit.status == "draft":
            raise Refused("status: a listing does not become a draft again; archive it")
        if edit.current.status == "draft" and not self._client.settings.publish:
            raise Refused("status: publishing a draft costs Etsy's fee; publish it on Etsy, or set `publish = true`")
        self._inventories.demand_free(await self._inventories.read(edit.current.id))
        return "active"

    async def _variants(self, edit: ProductEdit) -> None:
        wanted = {own.id: own for own in edit.variants}
        identity = edit.current.id
        async with self._inventories.turns[identity]:
            record = await self._inventories.read(identity)
            if record.digital:
                raise Refused("price: the inventory of a download is not written")
            body = writable(record, self._client.settings.processing_profile)
            for name, made in zip(record.names(), body["products"], strict=True):
                own = wanted.pop(name, None)
                if own is not None and "price" in own.fields and own.price is not None:
                    made["offerings"][0]["price"] = float(own.price.decimal)
                if own is not None and "sku" in own.fields:
                    made["sku"] = own.sku or ""
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
            with suppress(Refused):
                await self._inventories.update(identity, {"state": "active"})

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
