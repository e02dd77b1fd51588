"""The products port: edits in batches of 100, creation that finds its own earlier attempt, deletion to the trash."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product, Variant
from connectors.woocommerce.catalog import Catalog
from connectors.woocommerce.limits import LIMITS, PER_PAGE
from connectors.woocommerce.mapping import identifier, meta, text_of
from connectors.woocommerce.product_body import KEY, new_product, new_variation, product_changes, variation_changes
from connectors.woocommerce.rest import Rest
from connectors.woocommerce.shop import Shop

__all__ = ["Products"]

Reasons = dict[str, list[str]]


class Products:
    """Writes products of one shop. Stock fields never go along: a number read and sent back wipes sales out."""

    def __init__(self, rest: Rest, catalog: Catalog, shop: Shop) -> None:
        self._rest = rest
        self._catalog = catalog
        self._shop = shop

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:  # noqa: ARG002 repeatable as it is
        """Write the named fields; then read the products again, as the shop corrects some values without a word."""
        if len(edits) > LIMITS.product_batch:
            raise Refused(f"{len(edits)} edits at once; {LIMITS.product_batch} is the most")
        facts = await self._shop.facts()
        reasons: Reasons = defaultdict(list)
        rows: list[dict[str, Any]] = []
        variations: dict[str, list[dict[str, Any]]] = {}
        for edit in edits:
            try:
                body, mine = product_changes(edit, facts), variation_changes(edit, facts)
            except Refused as error:
                reasons[edit.current.id].append(error.what)
                continue
            if body:
                rows.append({"id": int(edit.current.id), **body})
            if mine:
                variations[edit.current.id] = mine
        await self._batch("products/batch", rows, reasons)
        await asyncio.gather(
            *(self._batch(f"products/{one}/variations/batch", mine, reasons, one) for one, mine in variations.items())
        )
        now = {one.id: one for one in await self._catalog.get([edit.current.id for edit in edits])}
        return [_result(edit.current.id, now, reasons) for edit in edits]

    async def _batch(self, path: str, rows: list[dict[str, Any]], reasons: Reasons, product_id: str = "") -> None:
        for at in range(0, len(rows), PER_PAGE):
            chunk = rows[at : at + PER_PAGE]
            answer = await self._rest.write("write products", "POST", path, {"update": chunk}, repeatable=True)
            given = answer.payload.get("update", []) if isinstance(answer.payload, Mapping) else []
            for sent, row in zip(chunk, given, strict=False):
                error = row.get("error") if isinstance(row, Mapping) else None
                if isinstance(error, Mapping):
                    text = f"{text_of(error, 'message')} [{text_of(error, 'code')}]"
                    reasons[product_id or str(sent["id"])].append(text)

    async def create(self, product: Product, key: str) -> Product:
        """Create it, or finish the one that an earlier attempt began. Raises Refused."""
        facts = await self._shop.facts()
        with self._rest.named():
            _check(product)
            body, variations = (
                new_product(product, key, facts),
                [new_variation(one, facts) for one in _several(product)],
            )
        product_id = await self._made_before(product, key)
        if not product_id:
            answer = await self._rest.write(f"create product {product.title!r}", "POST", "products", body)
            product_id = identifier(answer.payload.get("id"))
        made = await self._get(product_id)
        have = {variant.sku for variant in made.variants}
        missing = [one for one in variations if one["sku"] not in have]
        if missing:
            await self._add(product_id, key, missing)
            made = await self._get(product_id)
        return made

    async def delete(self, product_id: str) -> None:
        """Put a product into the trash; one that is there or gone already is fine."""
        try:
            await self._rest.write(
                f"trash product {product_id}", "DELETE", f"products/{product_id}", None, repeatable=True
            )
        except Gone:
            return

    async def _made_before(self, product: Product, key: str) -> str:
        """Find it by a SKU (the list takes several, and finds variations too), else by our key among equal titles."""
        skus = [variant.sku for variant in product.variants if variant.sku]
        fields = "id,sku,parent_id,meta_data"
        for at in range(0, len(skus), PER_PAGE):
            chunk = ",".join(skus[at : at + PER_PAGE])
            page = await self._rest.rows("find SKUs", "products", sku=chunk, _fields=fields)
            for row in page.rows:
                return identifier(row.get("parent_id")) or identifier(row.get("id"))
        page = await self._rest.rows("find product", "products", search=product.title, _fields=fields)
        found = (identifier(row.get("id")) for row in page.rows if meta(row).get(KEY) == key)
        return next(found, "")

    async def _add(self, product_id: str, key: str, bodies: list[dict[str, Any]]) -> None:
        answer = await self._rest.read("read product", f"products/{product_id}", _fields="id,meta_data")
        if meta(answer.payload).get(KEY) != key:
            raise Refused(
                f"product {product_id} has some of the SKUs, but not {', '.join(body['sku'] for body in bodies)}",
                where=self._rest.http.where,
                next_step="complete that product in the shop, or free its SKUs, then `bridge retry`",
            )
        path = f"products/{product_id}/variations/batch"
        for at in range(0, len(bodies), PER_PAGE):
            body = {"create": bodies[at : at + PER_PAGE]}
            answer = await self._rest.write("create variations", "POST", path, body)
            for row in answer.payload.get("create", []):
                if isinstance(row.get("error"), Mapping):
                    text = text_of(row["error"], "message")
                    raise Refused(
                        f"product {product_id}: {text}", where=self._rest.http.where, code=text_of(row["error"], "code")
                    )

    async def _get(self, product_id: str) -> Product:
        found = await self._catalog.get([product_id])
        if not found:
            raise Refused(
                f"product {product_id} was made, but the shop does not list it",
                where=self._rest.http.where,
                next_step="open it in the shop, then `bridge retry`",
            )
        return found[0]


def _check(product: Product) -> None:
    if not product.title or not product.variants:
        raise Refused(
            f"product {product.title!r} with {len(product.variants)} variants: a title and a variant are needed"
        )
    told_apart = product.options and all(one.sku for one in product.variants)
    if (product.options or len(product.variants) > 1) and not told_apart:
        raise Refused(f"product {product.title!r}: several variants need options and a SKU each, to be told apart")


def _several(product: Product) -> Sequence[Variant]:
    return product.variants if product.options else ()


def _result(product_id: str, now: Mapping[str, Product], reasons: Reasons) -> ProductResult:
    if product_id in reasons:
        return ProductResult(id=product_id, product=now.get(product_id), reason="; ".join(reasons[product_id]))
    if product_id not in now:
        return ProductResult(id=product_id, reason="the shop does not list it any more; run `bridge link`")
    return ProductResult(id=product_id, product=now[product_id])
