"""Listings: fields of those that exist, new ones from the listing map, and their end."""

import asyncio
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product
from bridge.domain.listing_map import category
from bridge.domain.money import Money
from bridge.wire.http import Request
from connectors.ebay.account import currency_of
from connectors.ebay.catalog import Catalog
from connectors.ebay.client import INVENTORY, Client, escaped
from connectors.ebay.listing import MAX_TITLE, Terms, group_body, group_key, is_single, item_body, obstacles, offer_body
from connectors.ebay.mapping import GROUP, ITEM, selling
from connectors.ebay.payload import Payload, part, rows, text
from connectors.ebay.settings import Settings

__all__ = ["Products"]

_SAID = {"title": "title", "description": "description", "images": "imageUrls"}
# An offer is replaced whole; these of its fields are eBay's own, or cannot change.
_FIXED = {"offerId", "sku", "marketplaceId", "format", "status", "listing"}
_CANNOT = {
    "sku": "a SKU is the item's name at eBay",
    "compare_at": "eBay shows a price crossed out for approved sellers only",
}
_LANGUAGES = {"GB": "en-GB", "AU": "en-AU", "CA": "en-CA", "DE": "de-DE", "AT": "de-AT", "CH": "de-CH", "FR": "fr-FR", "IT": "it-IT",
              "ES": "es-ES", "NL": "nl-NL", "BE": "nl-BE", "PL": "pl-PL", "IE": "en-IE"}  # fmt: skip


class Products:
    """The products port, and the preview of what `create` would be refused for."""

    def __init__(self, client: Client, catalog: Catalog, settings: Settings) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write edits, each for itself: eBay has no versions, and the same twice is the same."""
        del key
        return await asyncio.gather(*map(self._result, edits))

    async def problems(self, product: Product) -> Sequence[str]:
        """Say what keeps `create` from working: our checks, then whether policies and place are known. eBay's own checks run only
        when an offer is published."""
        found = obstacles(product, self._settings.listing_map, self._currency())
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
        place = category(self._settings.listing_map, product)
        found = obstacles(product, self._settings.listing_map, self._currency())
        if found or place is None:
            raise self._refused(
                f"{product.title!r} cannot be listed: {'; '.join(found)}", "mend it, then `bridge retry`"
            )
        terms = await self._terms()
        for variant in product.variants:
            await self._put_item(str(variant.sku), item_body(product, variant, place), self._language())
        if not is_single(product):
            await self._client.put(
                _group(group_key(product)), "write a group", group_body(product, place), self._language()
            )
        offers = [await self._offer(offer_body(variant, place, terms)) for variant in product.variants]
        if is_single(product):
            await self._act(f"{INVENTORY}/offer/{offers[0]}/publish", "publish a listing", None)
        else:
            await self._of_group("publish", group_key(product))
        return await self._reread(
            ITEM + str(product.variants[0].sku) if is_single(product) else GROUP + group_key(product)
        )

    async def delete(self, product_id: str) -> None:
        """End the listing: its offers stay, unpublished. One that is over already is fine."""
        for found in await self._catalog.get([product_id]):
            if found.status == "active":
                await self._status(found, "archived")

    async def _result(self, edit: ProductEdit) -> ProductResult:
        try:
            product = await self._edited(edit)
        except (Refused, Gone) as error:
            return ProductResult(id=edit.current.id, reason=error.what)
        return ProductResult(id=edit.current.id, product=product)

    async def _edited(self, edit: ProductEdit) -> Product:
        for own in edit.variants:
            self._check(own)
        if "title" in edit.fields and not 1 <= len(edit.title) <= MAX_TITLE:
            raise self._refused(
                f"title: eBay takes 1 to {MAX_TITLE} characters, not {len(edit.title)}", "shorten it at its source"
            )
        current = await self._reread(edit.current.id)
        said = {_SAID[name]: _plain(getattr(edit, name)) for name in _SAID if name in edit.fields}
        if said and current.id.startswith(GROUP):
            await self._say_of_group(current.id.removeprefix(GROUP), said)
        for sku in [own.id for own in edit.variants] or (
            [current.variants[0].id] if current.id.startswith(ITEM) else []
        ):
            change = next((one for one in edit.variants if one.id == sku), None)
            await self._say_of_item(sku, said if current.id.startswith(ITEM) else {}, change)
            if change is not None and "price" in change.fields and change.price is not None:
                await self._price(sku, change.price)
        if "status" in edit.fields and edit.status != current.status:
            await self._status(current, edit.status)
        return await self._reread(edit.current.id)

    def _check(self, own: VariantEdit) -> None:
        for name in sorted(own.fields & set(_CANNOT)):
            raise self._refused(f"{name} cannot be written: {_CANNOT[name]}", "give the field to another channel")
        currency = self._currency()
        if "price" in own.fields and (own.price is None or own.price.minor < 1 or own.price.currency != currency):
            raise self._refused(
                f"price {own.price}: eBay takes an amount above 0 in {currency}", "correct it at its source"
            )

    async def _say_of_group(self, key: str, said: Mapping[str, Any]) -> None:
        group = await self._catalog.group(key)
        await self._client.put(_group(key), "write a group", {**group, **said}, self._language())

    async def _say_of_item(self, sku: str, said: Mapping[str, Any], own: VariantEdit | None) -> None:
        """Replace the item with some fields changed. Its number must be sent along, or eBay forgets it: as read just now."""
        mine = own.fields & {"barcode", "weight_grams"} if own is not None else frozenset()
        if not said and not mine:
            return
        item = await self._item(sku)
        details = item["product"] = {**item.get("product", {}), **said}
        if own is not None and "barcode" in mine:
            kept = {name: value for name, value in details.items() if name not in {"ean", "upc", "isbn"}}
            item["product"] = {**kept, **({"ean": [own.barcode]} if own.barcode else {})}
        if own is not None and "weight_grams" in mine:
            item["packageWeightAndSize"] = {
                **item.get("packageWeightAndSize", {}),
                "weight": {"value": own.weight_grams, "unit": "GRAM"},
            }
        await self._put_item(sku, item, str(item.pop("locale", None) or self._language()))
        offer = selling(await self._catalog.offers(sku), self._client.marketplace) if "description" in said else None
        if offer is not None and offer.get("listingDescription"):
            await self._put_offer(offer, {"listingDescription": said["description"]})

    async def _price(self, sku: str, price: Money) -> None:
        """Write a price: of a live listing alone, without touching its number; of another with the whole offer."""
        offer = selling(await self._catalog.offers(sku), self._client.marketplace)
        if offer is None:
            raise self._refused(f"price of {sku}: it has no offer on {self._client.marketplace}", "list it there first")
        amount = {"value": price.decimal, "currency": price.currency}
        if text(offer, "status") != "PUBLISHED":
            await self._put_offer(offer, {"pricingSummary": {**part(offer, "pricingSummary"), "price": amount}})
            return
        body = {"requests": [{"sku": sku, "offers": [{"offerId": offer["offerId"], "price": amount}]}]}
        payload, _ = await self._act(f"{INVENTORY}/bulk_update_price_quantity", "write a price", body)
        if refused := [row for row in rows(payload, "responses") if not 200 <= int(row.get("statusCode") or 0) < 300]:
            told = next((text(one, "message") for one in rows(refused[0], "errors")), "")
            raise self._refused(f"price of {sku}: {told}", "mend it in Seller Hub, then `bridge retry`")

    async def _status(self, product: Product, status: str) -> None:
        """Publish, or end the listing; eBay ends and lists variations together."""
        word = "publish" if status == "active" else "withdraw"
        if product.id.startswith(GROUP):
            await self._of_group(word, product.id.removeprefix(GROUP))
            return
        offer = selling(await self._catalog.offers(product.variants[0].id), self._client.marketplace)
        if offer is None:
            raise self._refused(
                f"status of {product.id}: it has no offer on {self._client.marketplace}", "list it there first"
            )
        await self._act(f"{INVENTORY}/offer/{offer['offerId']}/{word}", f"{word} a listing", None)

    async def _of_group(self, word: str, key: str) -> None:
        body = {"inventoryItemGroupKey": key, "marketplaceId": self._client.marketplace}
        await self._act(f"{INVENTORY}/offer/{word}_by_inventory_item_group", f"{word} a listing", body)

    async def _offer(self, body: dict[str, Any]) -> str:
        """Make an offer, or take the one that an attempt before has made."""
        made = selling(await self._catalog.offers(body["sku"]), self._client.marketplace)
        if made is not None:
            return text(made, "offerId")
        words = {"content-language": self._language()}
        request = Request(method="POST", path=f"{INVENTORY}/offer", op="make an offer", headers=words)
        payload, _ = await self._client.ask(request.with_json(body))
        return text(payload, "offerId")

    async def _listed(self, product: Product) -> Product | None:
        """Return what the shop has of these SKUs, if a listing of them was ever out; SKUs of two products are a finding."""
        skus = [variant.sku for variant in product.variants if variant.sku]
        found = [page for page in [await self._catalog.read(await self._catalog.by_sku(skus), set())] if page[0]]
        there = [
            one for good, _ in found for one in good if one.id.startswith((ITEM, GROUP)) and one.status == "active"
        ]
        if len(there) > 1:
            names = ", ".join(one.id for one in there)
            raise self._refused(
                f"SKUs of {product.title!r} belong to several eBay listings: {names}", "give each SKU to one listing"
            )
        return there[0] if there else None

    async def _terms(self) -> Terms:
        names = {kind: getattr(self._settings, f"{kind}_policy") for kind in ("fulfillment", "payment", "return")}
        policies = {f"{kind}PolicyId": chosen or await self._only_policy(kind) for kind, chosen in names.items()}
        location = self._settings.location or await self._only_place()
        return Terms(
            policies=policies, location=location, marketplace=self._client.marketplace, currency=self._currency()
        )

    async def _only_policy(self, kind: str) -> str:
        params = (("marketplace_id", self._client.marketplace),)
        payload, _ = await self._client.get(f"/sell/account/v1/{kind}_policy", f"read the {kind} policies", params)
        return self._only([text(one, f"{kind}PolicyId") for one in rows(payload, f"{kind}Policies")], f"{kind}_policy")

    async def _only_place(self) -> str:
        payload, _ = await self._client.get(f"{INVENTORY}/location", "read the places")
        return self._only([text(one, "merchantLocationKey") for one in rows(payload, "locations")], "location")

    def _only(self, found: list[str], setting: str) -> str:
        if len(found) != 1:
            raise self._refused(
                f"the seller has {len(found)} choices for `{setting}`",
                f"set the channel's `{setting}` ({', '.join(found)})",
            )
        return found[0]

    async def _item(self, sku: str) -> dict[str, Any]:
        payload, _ = await self._client.get(_item(sku), "read an item")
        dropped = {"sku", "groupIds", "inventoryItemGroupKeys"}
        return deepcopy({name: value for name, value in payload.items() if name not in dropped})

    async def _put_item(self, sku: str, body: Mapping[str, Any], locale: str) -> None:
        await self._client.put(_item(sku), "write an item", {k: v for k, v in body.items() if k != "locale"}, locale)

    async def _put_offer(self, offer: Payload, changes: Mapping[str, Any]) -> None:
        kept = {name: value for name, value in offer.items() if name not in _FIXED}
        await self._client.put(
            f"{INVENTORY}/offer/{offer['offerId']}", "write an offer", {**kept, **changes}, self._language()
        )

    async def _act(self, path: str, op: str, body: object) -> Any:
        request = Request(method="POST", path=path, op=op, repeatable=True)
        return await self._client.ask(request if body is None else request.with_json(body))

    async def _reread(self, product_id: str) -> Product:
        found = await self._catalog.get([product_id])
        if not found:
            raise Gone(f"{product_id} is no more at eBay", where=self._client.where)
        return found[0]

    def _currency(self) -> str:
        return currency_of(self._client.marketplace, self._client.where)

    def _language(self) -> str:
        return _LANGUAGES.get(self._client.marketplace.removeprefix("EBAY_"), "en-US")

    def _refused(self, what: str, step: str) -> Refused:
        return Refused(what, where=self._client.where, next_step=step)


def _item(sku: str) -> str:
    return f"{INVENTORY}/inventory_item/{escaped(sku)}"


def _group(key: str) -> str:
    return f"{INVENTORY}/inventory_item_group/{escaped(key)}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
