"""Writing items: whole objects with their version, one write at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product
from connectors.square.catalog import Catalog
from connectors.square.client import Client
from connectors.square.item_writing import archived, new_item, patched
from connectors.square.judge import STALE, Problem, problems_in
from connectors.square.keys import fitting
from connectors.square.mapping import parent_of, product, related
from connectors.square.payload import Payload, part, rows, text

__all__ = ["Products"]

_KEY = 128
_SKUS = 250


@dataclass(frozen=True, slots=True)
class _Job:
    at: int
    whole: dict[str, Any]
    others: dict[str, Payload]


class Products:
    """The products port."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog
        # Square refuses a second catalog write of the same seller with 429 while one is under way.
        self._turn = asyncio.Lock()

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write items, each in a batch of its own so that one's failure leaves the others; one result each, in order."""
        results: dict[int, ProductResult] = {}
        jobs: list[_Job] = []
        for at, edit in enumerate(edits):
            try:
                jobs.append(await self._job(at, edit))
            except (Refused, Gone) as error:
                results[at] = _failed(edit.current.id, error)
        results |= await self._write(jobs, key)
        return [results[at] for at in range(len(edits))]

    async def create(self, product: Product, key: str) -> Product:
        """Create an item, or return the one that has its SKUs already. Images, weight and compare-at price stay behind."""
        if found := await self._by_sku([variant.sku for variant in product.variants if variant.sku]):
            return found
        made, _ = await self._upsert([new_item(product)], key)
        return next(iter(made.values()))

    async def delete(self, product_id: str) -> None:
        """Archive the item; one that is archived or gone already is fine."""
        for found in await self._catalog.get([product_id]):
            if found.status != "archived":
                whole = archived(msgspec.json.decode(found.extra["item"]))
                await self._upsert([whole], f"archive-{product_id}-{found.version}")

    async def _job(self, at: int, edit: ProductEdit) -> _Job:
        """Patch the item as it was read; where only its fields were kept, it is read again and must be the same version."""
        current = edit.current
        if "item" not in current.extra:
            fresh = next(iter(await self._catalog.get([current.id])), None)
            if fresh is None:
                raise Gone(f"item {current.id} is no more")
            if fresh.version != current.version:
                raise Refused(f"item {current.id} is at version {fresh.version} now", code=STALE)
            current = fresh
        others = related(msgspec.json.decode(current.extra.get("related") or "{}"))
        return _Job(at, patched(msgspec.json.decode(current.extra["item"]), edit), others)

    async def _write(self, jobs: Sequence[_Job], key: str) -> dict[int, ProductResult]:
        """Send the jobs; where Square refuses them together, each goes alone so that only the culprit fails."""
        if not jobs:
            return {}
        others = {name: found for job in jobs for name, found in job.others.items()}
        try:
            made, problems = await self._upsert([job.whole for job in jobs], key, others)
        except (Refused, Gone) as error:
            if len(jobs) == 1:
                return {jobs[0].at: _failed(jobs[0].whole["id"], error)}
            alone = [await self._write([job], f"{key}:{job.at}") for job in jobs]
            return {at: result for results in alone for at, result in results.items()}
        return {job.at: _result(job.whole["id"], made.get(job.whole["id"]), problems) for job in jobs}

    async def _upsert(
        self, objects: Sequence[dict[str, Any]], key: str, others: dict[str, Payload] | None = None
    ) -> tuple[dict[str, Product], tuple[Problem, ...]]:
        body = {
            "idempotency_key": fitting(key, _KEY),
            "batches": [{"objects": [whole]} for whole in objects],
        }
        async with self._turn:
            payload, _ = await self._client.write("/v2/catalog/batch-upsert", "write items", body)
        items = [found for found in rows(payload, "objects") if text(found, "type") == "ITEM"]
        return {text(item, "id"): product(item, others or {}) for item in items}, problems_in(payload)

    async def _by_sku(self, skus: Sequence[str]) -> Product | None:
        if not skus:
            return None
        query = {"set_query": {"attribute_name": "sku", "attribute_values": sorted(set(skus))[:_SKUS]}}
        body = {"object_types": ["ITEM_VARIATION"], "query": query}
        payload, _ = await self._client.post("/v2/catalog/search", "look for the SKUs", body)
        # The query ignores upper and lower case; SKUs do not.
        same = [found for found in rows(payload, "objects") if text(part(found, "item_variation_data"), "sku") in skus]
        parents = sorted({parent_of(found) for found in same})
        if len(parents) > 1:
            raise Refused(
                f"SKUs {', '.join(sorted(skus)[:5])} belong to several Square items already: {', '.join(parents)}",
                where=self._client.where,
                next_step="give each SKU to one item in the Square Dashboard",
            )
        return next(iter(await self._catalog.get(parents)), None) if parents else None


def _failed(product_id: str, error: Refused | Gone) -> ProductResult:
    return ProductResult(id=product_id, reason=error.what, stale=error.code == STALE)


def _result(product_id: str, made: Product | None, problems: tuple[Problem, ...]) -> ProductResult:
    if made is not None:
        return ProductResult(id=product_id, product=made)
    named = [problem for problem in problems if product_id in f"{problem.detail} {problem.field}"] or list(problems)
    reason = "; ".join(map(str, named)) or "Square's answer does not contain it"
    return ProductResult(id=product_id, reason=reason, stale=any(problem.stale for problem in named))
