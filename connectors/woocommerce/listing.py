"""Products with their variations, in the fewest calls: the reading that catalog and stock share."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bridge.contract.errors import NeedsPerson
from bridge.wire.paging import by_number
from connectors.woocommerce.changes import Changes, Step
from connectors.woocommerce.limits import AHEAD, PER_PAGE
from connectors.woocommerce.mapping import identifier
from connectors.woocommerce.rest import Rest, Row, Rows

__all__ = ["LEVEL_FIELDS", "Fields", "Group", "Listing"]

_FEW = 3
_PASSES = 3


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields asked for of a product and of a variation."""

    product: str
    variation: str


LEVEL_FIELDS = Fields("id,type,manage_stock,stock_quantity,variations", "id,parent_id,manage_stock,stock_quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A page of products, and the variations of each by its id."""

    rows: Sequence[Row]
    variations: dict[str, list[Row]]
    at: datetime
    total: int | None = None


class Listing:
    """One shop's product list. `flat`: the shop lists all variations in one list (11.0 does, 9.9.5 says 404)."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.flat = True

    async def full(self, fields: Fields) -> AsyncIterator[Group]:
        """Read every product; again from the start where one was deleted meanwhile, as the pages then shift."""
        for _ in range(_PASSES):
            totals: list[int] = []
            async for group in self._once(fields):
                totals.append(group.total or 0)
                yield group
            if all(one <= other for one, other in pairwise(totals)):
                return

    async def _once(self, fields: Fields) -> AsyncIterator[Group]:
        pages = self._rest.pages("read products", "products", orderby="id", order="asc", _fields=fields.product)
        flat = asyncio.ensure_future(self._all_flat(fields))
        try:
            async for page in pages:
                known, parents = await flat, _variable(page.rows)
                variations = await self._by_parent(parents, fields) if known is None else known
                mine = {parent: variations[parent] for parent in parents if parent in variations}
                yield Group(rows=page.rows, variations=mine, at=page.at, total=page.total)
        finally:
            flat.cancel()
            await asyncio.gather(flat, return_exceptions=True)

    async def these(self, product_ids: Sequence[str], fields: Fields) -> AsyncIterator[Group]:
        """Read these products; one that is no more, or in the trash, is left out."""
        if not product_ids:
            return

        async def fetch(number: int) -> tuple[Group, int]:
            chunk = product_ids[(number - 1) * PER_PAGE : number * PER_PAGE]
            page = await self._rest.rows(
                "read products", "products", include=",".join(chunk), orderby="id", order="asc", _fields=fields.product
            )
            return await self.group(page.rows, page.at, fields), -(-len(product_ids) // PER_PAGE)

        async for group in by_number(fetch, ahead=AHEAD):
            yield group

    async def group(self, rows: Sequence[Row], at: datetime, fields: Fields) -> Group:
        """Add the variations to a page of products."""
        return Group(rows=rows, variations=await self.variations(_variable(rows), fields), at=at)

    async def variations(self, parents: Sequence[str], fields: Fields) -> dict[str, list[Row]]:
        """Read all variations of these parents: parent by parent, or from the one list where that takes fewer calls."""
        if len(parents) > _FEW and self.flat:
            found = await self._all_flat(fields, at_most=len(parents))
            if found is not None:
                return {parent: found[parent] for parent in parents if parent in found}
        return await self._by_parent(parents, fields)

    async def changed_variations(self, cursor: str) -> AsyncIterator[Step]:
        """Read the variations that changed; nothing on a shop without the one list (a variation moves its parent's date)."""
        if not self.flat:
            return
        changes = Changes(self._rest, "read changed variations", "variations", "id,parent_id,date_modified_gmt")
        try:
            async for step in changes.since(cursor):
                yield step
        except NeedsPerson as error:
            self._remember_missing(error)

    async def some_variations(self, ids: Sequence[str], fields: Fields) -> Rows | None:
        """Read these variations by id in one call; None where the shop cannot, or did not keep to the ids."""
        if not self.flat:
            return None
        try:
            page = await self._rest.rows(
                "read variations", "variations", include=",".join(ids), _fields=fields.variation
            )
        except NeedsPerson as error:
            self._remember_missing(error)
            return None
        return page if all(identifier(row.get("id")) in ids for row in page.rows) else None

    async def of_parent(self, parent: str, fields: Fields) -> Rows:
        """Read all variations of one product; none where it is no more."""
        path = f"products/{parent}/variations"
        pages = self._rest.pages("read variations", path, orderby="id", order="asc", _fields=fields.variation)
        read = [page async for page in pages]
        rows = tuple(row for page in read for row in page.rows)
        return Rows(rows=rows, at=read[0].at, pages=len(read), total=len(rows))

    async def _all_flat(self, fields: Fields, at_most: int | None = None) -> dict[str, list[Row]] | None:
        if not self.flat:
            return None
        found: dict[str, list[Row]] = defaultdict(list)

        async def fetch(number: int) -> tuple[Rows, int]:
            page = await self._rest.rows(
                "read variations", "variations", page=str(number), orderby="id", order="asc", _fields=fields.variation
            )
            return page, page.pages if fits(page) else 0

        def fits(page: Rows) -> bool:
            return at_most is None or page.pages <= at_most

        try:
            pages = [page async for page in by_number(fetch, ahead=AHEAD)]
        except NeedsPerson as error:
            self._remember_missing(error)
            return None
        for row in (row for page in pages for row in page.rows):
            found[identifier(row.get("parent_id"))].append(row)
        return found if all(map(fits, pages)) else None

    async def _by_parent(self, parents: Sequence[str], fields: Fields) -> dict[str, list[Row]]:
        pages = await asyncio.gather(*(self.of_parent(parent, fields) for parent in parents))
        return {parent: list(page.rows) for parent, page in zip(parents, pages, strict=True)}

    def _remember_missing(self, error: NeedsPerson) -> None:
        if error.code != "rest_no_route":
            raise error
        self.flat = False


def _variable(rows: Sequence[Row]) -> list[str]:
    return [identifier(row.get("id")) for row in rows if row.get("variations")]
