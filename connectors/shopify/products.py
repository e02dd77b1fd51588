"""Writing products: fields of existing ones, several products a call; new ones; archiving."""

from collections.abc import Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product
from connectors.shopify.catalog import Catalog
from connectors.shopify.documents import PRODUCT_ARCHIVE, PRODUCT_SEARCH, PRODUCT_SET, edit_products
from connectors.shopify.limits import LIMITS
from connectors.shopify.mapping import gid, short
from connectors.shopify.product_input import Plan, handle, new_product, plan
from connectors.shopify.shop import Shop, refuse

__all__ = ["Products"]

_NO_MORE = frozenset({"Product does not exist"})
_SEARCHED = 25


class Products:
    """The product-writing port. Stock is never part of it: `productSet` has no compare-and-set for numbers."""

    def __init__(self, shop: Shop, catalog: Catalog) -> None:
        self._shop = shop
        self._catalog = catalog

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:  # noqa: ARG002
        """Write up to Limits.product_batch edits in one document; one result each."""
        if not 1 <= len(edits) <= LIMITS.product_batch:
            raise Refused(f"{len(edits)} edits are no batch: 1 to {LIMITS.product_batch}")
        results: dict[int, ProductResult] = {}
        plans: dict[int, Plan] = {}
        currency = await self._shop.currency()
        fresh = await self._fresh(edits)
        for place, edit in enumerate(edits):
            try:
                plans[place] = plan(edit, fresh.get(edit.current.id, edit.current), currency)
            except Refused as error:
                results[place] = ProductResult(id=edit.current.id, reason=error.what)
        if plans:
            results |= await self._send(plans, currency)
        return [results[place] for place in range(len(edits))]

    async def create(self, product: Product, key: str) -> Product:  # noqa: ARG002
        """Create it, tracked and with no stock; the one that already has a SKU of it is returned instead."""
        there = await self._find(product)
        if there is not None:
            return there
        currency = await self._shop.currency()
        payload = (await self._shop.ask(PRODUCT_SET, {"input": new_product(product, currency)})).data["productSet"]
        refuse(f"create product {product.title!r}", payload["userErrors"], where=self._shop.http.where)
        return (await self._catalog.read([payload["product"]], currency))[0]

    async def delete(self, product_id: str) -> None:
        """Archive it: it leaves every sales channel, and its history stays."""
        payload = (await self._shop.ask(PRODUCT_ARCHIVE, {"id": gid("Product", product_id)})).data["productUpdate"]
        errors = [error for error in payload["userErrors"] if error["message"] not in _NO_MORE]
        refuse(f"archive product {product_id}", errors, where=self._shop.http.where)

    async def _fresh(self, edits: Sequence[ProductEdit]) -> dict[str, Product]:
        """Read the products whose pictures change: adding one that is there already would show it twice."""
        ids = [edit.current.id for edit in edits if "images" in edit.fields]
        return {product.id: product for product in await self._catalog.get(ids)} if ids else {}

    async def _send(self, plans: dict[int, Plan], currency: str) -> dict[int, ProductResult]:
        operation = edit_products(tuple(made.shape for made in plans.values()))
        variables: dict[str, Any] = {}
        for index, made in enumerate(plans.values()):
            variables |= made.variables(index)
        data = (await self._shop.ask(operation, variables)).data
        return {
            place: await self._result(made, index, data, currency) for index, (place, made) in enumerate(plans.items())
        }

    async def _result(self, made: Plan, index: int, data: dict[str, Any], currency: str) -> ProductResult:
        payloads = [
            data[f"gone{index}"] if made.gone else None,
            *(data[f"variants{index}_{chunk}"] for chunk in range(len(made.variants))),
            data.get(f"product{index}"),
        ]
        present = [payload for payload in payloads if payload]
        errors = [error for p in present for error in (p.get("userErrors") or p.get("mediaUserErrors") or ())]
        if errors:
            at = ".".join(errors[0].get("field") or ()) or "the call"
            return ProductResult(id=made.id, reason=f"Shopify refuses it at {at}: {errors[0]['message']}")
        node = present[-1].get("product") if present else None
        if node is None:
            return ProductResult(id=made.id, reason="Shopify returned no product after the write")
        return ProductResult(id=made.id, product=(await self._catalog.read([node], currency))[0])

    async def _find(self, product: Product) -> Product | None:
        """Look for the SKUs, compared exactly for the search does not, and for the handle, which is never late."""
        skus = [variant.sku for variant in product.variants if variant.sku]
        quoted = [sku.replace("\\", "\\\\").replace("'", "\\'") for sku in skus[:_SEARCHED]]
        query = " OR ".join(f"sku:'{sku}'" for sku in quoted) or "sku:''"
        data = (await self._shop.ask(PRODUCT_SEARCH, {"query": query, "handle": handle(product)})).data
        ids = [short(node["product"]["id"]) for node in data["productVariants"]["nodes"] if node["sku"] in skus]
        named = data["productByIdentifier"]
        ids += [short(named["id"])] if named else []
        candidates = await self._catalog.get(list(dict.fromkeys(ids))) if ids and skus else []
        return next((one for one in candidates if not {v.sku for v in one.variants}.isdisjoint(skus)), None)
