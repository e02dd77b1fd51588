"""Listings: fields of those that exist, new ones from the listing map, and their end; what eBay is told of them is made below, pure."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, aspects, category
from bridge.domain.money import Money
from bridge.wire.amounts import amount_of
from bridge.wire.api import escaped
from bridge.wire.payload import Payload, part, rows, text
from bridge.wire.product_edits import check, lacking, named_options, only, outcome_of, single
from connectors.ebay.catalog import Catalog
from connectors.ebay.client import INVENTORY, Client, refusal
from connectors.ebay.limits import MAX_SKU
from connectors.ebay.mapping import CODES, GROUP, ITEM, selling

__all__ = ["Products"]

_TITLE = 80
# Our fields, and their names in items and groups.
_TEXTS = {"title": "title", "description": "description", "images": "imageUrls"}
# Of an item these are told by its group, by a header, or are its name.
_NOT_ITS_OWN = {"sku", "locale", "groupIds", "inventoryItemGroupKeys"}
# An offer is replaced whole; these of its fields are eBay's own, or cannot change.
_FIXED = {"offerId", "sku", "marketplaceId", "format", "status", "listing"}
_CANNOT = {
    "sku": "a SKU is the item's name at eBay",
    "compare_at": "eBay shows a price crossed out for approved sellers only",
}


class Products:
    """The products port, and the preview of what `create` would be refused for."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write edits, each for itself: eBay has no versions, and the same twice is the same."""
        del key
        return await asyncio.gather(*(outcome_of(edit, self._edited) for edit in edits))

    async def problems(self, product: Product) -> Sequence[str]:
        """Say what keeps `create` from working: our checks, then whether policies and place are known. eBay's own checks run only
        when an offer is published."""
        found = _obstacles(product, category(self._client.settings.listing_map, product), self._client.currency)
        try:
            await self._terms()
        except Refused as error:
            found.append(f"{error.what}: {error.next_step}")
        return found

    async def create(self, product: Product, key: str) -> Product:
        """List a product at number 0, or finish what an attempt before began; one that is listed already is returned."""
        del key
        if there := await self._listed(product):
            return there
        place = category(self._client.settings.listing_map, product)
        found = _obstacles(product, place, self._client.currency)
        if found or place is None:
            what = f"{product.title!r} cannot be listed: {'; '.join(found)}"
            self._client.refuse(what, "mend it, then `bridge retry`")
        terms, identity = await self._terms(), _identity_of(product)
        for variant in product.variants:
            await self._put("inventory_item", str(variant.sku), _item_body(product, variant, place))
        if identity.startswith(GROUP):
            await self._put("inventory_item_group", identity.removeprefix(GROUP), _group_body(product, place))
        offers = [await self._offer(_offer_body(variant, place, terms)) for variant in product.variants]
        await self._switch(identity, "publish", offers[0])
        return await self._reread(identity)

    async def delete(self, product_id: str) -> None:
        """End the listing: its offers stay, unpublished. One that is over already is fine."""
        for found in await self._catalog.get([product_id]):
            if found.status == "active":
                await self._switch(product_id, "withdraw")

    async def _edited(self, edit: ProductEdit) -> Product:
        check(edit, _CANNOT, title=_TITLE, currency=self._client.currency)
        current = await self._reread(edit.current.id)
        said = {theirs: getattr(edit, ours) for ours, theirs in _TEXTS.items() if ours in edit.fields}
        changes = {own.id: own for own in edit.variants}
        if said and current.id.startswith(GROUP):
            key = current.id.removeprefix(GROUP)
            await self._put("inventory_item_group", key, {**await self._catalog.group(key), **said})
            said = {}
        elif said:
            sku = current.variants[0].id
            changes.setdefault(sku, VariantEdit(id=sku, fields=frozenset()))
        for own in changes.values():
            await self._say_of_item(own, said)
            if "price" in own.fields and own.price is not None:
                await self._price(own.id, own.price)
        if "status" in edit.fields and edit.status != current.status:
            await self._switch(current.id, "publish" if edit.status == "active" else "withdraw")
        return await self._reread(current.id)

    async def _say_of_item(self, own: VariantEdit, said: Mapping[str, Any]) -> None:
        """Replace the item with some fields changed, as read just now."""
        if not said and not own.fields & {"barcode", "weight_grams"}:
            return
        item = await self._client.read(f"{INVENTORY}/inventory_item/{escaped(own.id)}", "read an item")
        await self._put("inventory_item", own.id, _patched(item, own, said), text(item, "locale"))
        offer = await self._offered(own.id) if "description" in said else {}
        if offer.get("listingDescription"):
            await self._put_offer(offer, {"listingDescription": said["description"]})

    async def _price(self, sku: str, price: Money) -> None:
        """Write a price: of a live listing alone, without touching its number; of another with the whole offer."""
        offer = await self._demand_offer(sku, "price")
        if text(offer, "status") != "PUBLISHED":
            summary = {**part(offer, "pricingSummary"), "price": amount_of(price)}
            await self._put_offer(offer, {"pricingSummary": summary})
            return
        body = {"requests": [{"sku": sku, "offers": [{"offerId": offer["offerId"], "price": amount_of(price)}]}]}
        payload, _ = await self._client.post(f"{INVENTORY}/bulk_update_price_quantity", "write a price", body)
        for error in filter(None, map(refusal, rows(payload, "responses"))):
            self._client.refuse(f"price of {sku}: {error.what}", "mend it in Seller Hub, then `bridge retry`")

    async def _switch(self, product_id: str, word: str, offer_id: str = "") -> None:
        """Publish or withdraw the listing; eBay ends and lists variations together."""
        if product_id.startswith(GROUP):
            key, site = product_id.removeprefix(GROUP), self._client.marketplace
            path, body = f"{word}_by_inventory_item_group", {"inventoryItemGroupKey": key, "marketplaceId": site}
        else:
            named = offer_id or (await self._demand_offer(product_id.removeprefix(ITEM), "status"))["offerId"]
            path, body = f"{named}/{word}", None
        await self._client.post(f"{INVENTORY}/offer/{path}", f"{word} a listing", body)

    async def _offer(self, body: dict[str, Any]) -> str:
        """Make an offer, or take the one that an attempt before has made."""
        made = await self._offered(body["sku"])
        if not made:
            words = {"content-language": self._client.language}
            made, _ = await self._client.write("POST", f"{INVENTORY}/offer", "make an offer", body, headers=words)
        return text(made, "offerId")

    async def _offered(self, sku: str) -> Payload:
        return selling(rows(await self._catalog.offers(sku), "offers"), self._client.marketplace)

    async def _demand_offer(self, sku: str, wanted: str) -> Payload:
        offer = await self._offered(sku)
        if not offer:
            what = f"{wanted} of {sku}: it has no offer on {self._client.marketplace}"
            self._client.refuse(what, "list it there first")
        return offer

    async def _listed(self, product: Product) -> Product | None:
        """Return what the shop has of these SKUs, if a listing of them was ever out; SKUs of two products are a finding."""
        items = await self._catalog.by_sku([variant.sku for variant in product.variants if variant.sku])
        good, _ = await self._catalog.read(items, set())
        there = {one.id: one for one in good if one.id.startswith((ITEM, GROUP)) and one.status == "active"}
        return there.get(single(there, product, self._client.where))

    async def _terms(self) -> dict[str, Any]:
        """Return what all new offers of the seller have in common: site, policies and place. Raises Refused where one is to be
        chosen."""
        site, policies = ("marketplace_id", self._client.marketplace), {}
        for kind in ("fulfillment", "payment", "return"):
            path, name = f"/sell/account/v1/{kind}_policy", f"{kind}PolicyId"
            policies[name] = await self._chosen(f"{kind}_policy", path, f"{kind}Policies", name, site)
        place = await self._chosen("location", f"{INVENTORY}/location", "locations", "merchantLocationKey")
        return {"marketplaceId": site[1], "listingPolicies": policies, "merchantLocationKey": place}

    async def _chosen(self, setting: str, path: str, several: str, name: str, *params: tuple[str, str]) -> str:
        """Return what a setting says, or the only one that the seller has."""
        if chosen := str(getattr(self._client.settings, setting)):
            return chosen
        payload = await self._client.read(path, f"read what `{setting}` may be", params)
        found = [text(one, name) for one in rows(payload, several)]
        if len(found) != 1:
            what, step = f"the seller has {len(found)} choices for `{setting}`", f"set the channel's `{setting}`"
            self._client.refuse(what, f"{step} ({', '.join(found)})")
        return found[0]

    async def _put(self, kind: str, name: str, body: Mapping[str, Any], locale: str = "") -> None:
        """Replace a record whole: the same twice is the same."""
        words = {"content-language": (locale or self._client.language).replace("_", "-")}
        path = f"{INVENTORY}/{kind}/{escaped(name)}"
        await self._client.write("PUT", path, f"write {kind} {name}", body, headers=words, repeatable=True)

    async def _put_offer(self, offer: Payload, changes: Mapping[str, Any]) -> None:
        kept = {name: value for name, value in offer.items() if name not in _FIXED}
        await self._put("offer", text(offer, "offerId"), {**kept, **changes})

    async def _reread(self, product_id: str) -> Product:
        return only(await self._catalog.get([product_id]), product_id, self._client.where)


def _identity_of(product: Product) -> str:
    """Return the id of what it becomes: an item, or a group whose key is made of its first SKU, so that a repeat finds it."""
    sku, single = product.variants[0].sku, len(product.variants) == 1 and not product.variants[0].options
    return f"{ITEM}{sku}" if single else GROUP + f"{sku}-group"[:MAX_SKU]


def _obstacles(product: Product, place: Category | None, currency: str) -> list[str]:
    """Say what eBay would refuse, as far as we can tell without it; each with what to do."""
    said = lacking(product, title=_TITLE, sku=MAX_SKU, currency=currency)
    if not product.images or not all(url.startswith("https://") for url in product.images):
        said.append("images: eBay wants at least one, at an address with https")
    if place is None:
        said.append(f"category: map.toml has none for the tags {', '.join(product.tags) or '(none)'}")
    return said


def _item_body(product: Product, variant: Variant, place: Category) -> dict[str, Any]:
    """Build an inventory item without stock."""
    said = {name: [value] for name, value in {**named_options(variant, place), **aspects(place, variant)}.items()}
    parcel = _weight(variant.weight_grams)
    return {
        "product": {**_texts(product), "aspects": said, **_codes(variant.barcode)},
        "condition": "NEW",
        "availability": {"shipToLocationAvailability": {"quantity": 0}},
        **({"packageWeightAndSize": parcel} if parcel else {}),
    }


def _group_body(product: Product, place: Category) -> dict[str, Any]:
    """Build the group of a product with variations."""
    told = [named_options(variant, place) for variant in product.variants]
    values = {name: list(dict.fromkeys(one[name] for one in told)) for name in told[0]}
    return {
        "inventoryItemGroupKey": _identity_of(product).removeprefix(GROUP),
        **_texts(product),
        "aspects": {name: [value] for name, value in place.fixed.items()},
        "variantSKUs": [variant.sku for variant in product.variants],
        "variesBy": {"specifications": [{"name": name, "values": found} for name, found in values.items()]},
    }


def _offer_body(variant: Variant, place: Category, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Build an offer. It has no number of its own: the item's is the listing's. `terms` are what all offers have in common."""
    assert variant.price is not None
    return {
        **terms,
        "sku": variant.sku,
        "format": "FIXED_PRICE",
        "listingDuration": "GTC",
        "categoryId": place.id,
        "includeCatalogProductDetails": False,
        "pricingSummary": {"price": amount_of(variant.price)},
    }


def _patched(item: Payload, own: VariantEdit, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with texts, and with what is a variant's own, changed; its number stays, or eBay would forget it."""
    kept = {name: value for name, value in item.items() if name not in _NOT_ITS_OWN}
    details = {**part(item, "product"), **said}
    if "barcode" in own.fields:
        details = {name: value for name, value in details.items() if name not in CODES} | _codes(own.barcode)
    if "weight_grams" in own.fields:
        parcel = {name: value for name, value in part(item, "packageWeightAndSize").items() if name != "weight"}
        kept["packageWeightAndSize"] = parcel | _weight(own.weight_grams)
    return {**kept, "product": details}


def _texts(product: Product) -> dict[str, Any]:
    said = {theirs: getattr(product, ours) for ours, theirs in _TEXTS.items()}
    return {**said, "description": product.description or product.title}


def _codes(barcode: str | None) -> dict[str, list[str]]:
    return {"upc" if len(barcode) == 12 else "ean": [barcode]} if barcode else {}


def _weight(grams: int | None) -> dict[str, object]:
    return {"weight": {"value": grams, "unit": "GRAM"}} if grams else {}
