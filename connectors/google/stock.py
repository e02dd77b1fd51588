"""Availability and numbers: online by the product's input, per store by local inventory; many calls in one batch."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from bridge.contract.errors import BridgeError, NeedsPerson, Refused
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Applied, Outcome, Prepared, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.batching import Part, Piece, pack
from bridge.wire.paging import slices
from bridge.wire.stock_rows import NamesNoCauses, check, found, rejection, target
from connectors.google.catalog import Catalog
from connectors.google.client import Client
from connectors.google.judge import verdict
from connectors.google.limits import LIMITS, ONLINE
from connectors.google.mapping import stock_fields
from connectors.google.settings import Settings

__all__ = ["Stock", "patch"]


class Stock(NamesNoCauses):
    """The stock port. A stock id is an offerId, by convention our SKU; its location is `online` or a store code."""

    changes: Feed[Level] | None = None

    def __init__(self, client: Client, catalog: Catalog, settings: Settings, stores: Sequence[str]) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._stores = frozenset(stores)

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers; None where an item has none, left out where it is no more."""
        return found(keys, await self._catalog.levels(keys))

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number with the products' pages."""
        async for page in self._catalog.item_pages():
            yield Page(items=tuple(page.levels), bad=tuple(page.bad), as_of=page.at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls, in their order: sold out stays first. Online and stores are two services, never in one call."""
        runs = [list(run) for _, run in groupby(changes, key=lambda change: change.key.location == ONLINE)]
        return [some for run in runs for some in slices(run, LIMITS.stock_batch)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call down; raises Refused naming the bad row."""
        check(changes, LIMITS.stock_batch)
        if len({change.key.location == ONLINE for change in changes}) > 1:
            raise Refused("online stock and the stores' are written in batches of their own")
        body = pack([self._piece(change) for change in changes])
        return Prepared(key=key, body=body.decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; one outcome a row. Google takes a write in at once and shows it up to half an hour later."""
        api = "products" if prepared.changes[0].key.location == ONLINE else "inventories"
        parts, at = await self._client.batch(api, "write stock", prepared.body.encode(), len(prepared.changes))
        errors = [_error(part) for part in parts]
        if isinstance(errors[0], NeedsPerson) and all(isinstance(error, NeedsPerson) for error in errors):
            raise self._client.named(errors[0])
        return [_outcome(change.key, error, at) for change, error in zip(prepared.changes, errors, strict=True)]

    def _piece(self, change: StockChange) -> Piece:
        sku, place = change.key.stock_id, change.key.location
        if not sku.strip() or place not in {ONLINE, *self._stores}:
            what = f"{sku or 'a row without an id'} at {place or 'no location'}: stock is kept online and in the channel's stores"
            raise Refused(what, next_step="run `bridge link`")
        number = target(change, LIMITS)
        if place != ONLINE:
            return self._local(sku, place, number)
        return (
            self._supplement(sku, number)
            if self._client.stock_source
            else patch(self._client, sku, stock_fields(number))
        )

    def _local(self, sku: str, store: str, number: int) -> Piece:
        """An entry is replaced as a whole, so what pickup the store offers is said every time."""
        method, _, time = self._settings.pickup.strip().partition(" ")
        pickup = {"pickupMethod": method, "pickupSla": time.strip()} if method and time.strip() else {}
        path = f"/inventories/v1/{self._client.account}/products/{self._client.name(sku)}/localInventories:insert"
        attributes = {**stock_fields(number, "quantity"), **pickup}
        return Piece(method="POST", path=path, body={"storeCode": store, "localInventoryAttributes": attributes})

    def _supplement(self, sku: str, number: int) -> Piece:
        """A supplemental source holds these attributes and no others, so its entry may be replaced as a whole."""
        query = urlencode({"dataSource": self._client.stock_source})
        path = f"/products/v1/{self._client.account}/productInputs:insert?{query}"
        labels = {"contentLanguage": self._settings.language.strip(), "feedLabel": self._settings.feed_label.strip()}
        return Piece(
            method="POST", path=path, body={"offerId": sku, **labels, "productAttributes": stock_fields(number)}
        )


def patch(client: Client, sku: str, attributes: dict[str, Any]) -> Piece:
    """Write some attributes; one that is None is named in the mask and left out of the body, which takes it off.

    `versionNumber` guards insertions only: "do not set this field for updates".
    """
    mask = ",".join(f"productAttributes.{name}" for name in sorted(attributes))
    query = urlencode({"dataSource": client.source, "updateMask": mask})
    given = {name: value for name, value in attributes.items() if value is not None}
    path = f"/products/v1/{client.account}/productInputs/{client.name(sku)}?{query}"
    return Piece(method="PATCH", path=path, body={"productAttributes": given})


def _error(part: Part) -> BridgeError | None:
    return None if part.status < 300 else verdict("write stock", part.status, part.body.get("error") or {})


def _outcome(key: StockKey, error: BridgeError | None, at: datetime) -> Outcome:
    if error is None:
        return Applied(key=key, at=at)
    # A token that was taken back in the middle, or a quota that ended there: the row is fine, and the next call says so in full.
    return rejection(key, error)
