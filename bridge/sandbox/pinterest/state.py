"""One retail catalogue: its items, the batches it took in, and the tokens that open it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.kit.platform import Now, RefusedError
from bridge.sandbox.kit.surface import Catalogue, Item, SurfaceShop
from bridge.sandbox.pinterest.fields import FaultyItem, write

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen when a stand-in is made.

    `seconds` is how long a batch takes to come through; `feed` says that the catalogue has a feed for a source, which forbids
    UPSERT; `calls_per_minute` and `calls_per_day` are the rate limits.
    """

    app_id: str = "1480000"
    app_secret: str = "pinterest-sandbox-app-secret"  # noqa: S105 - a made-up secret of a made-up app
    refresh_token: str = "pinr.sandbox-refresh-token"  # noqa: S105 - likewise
    scopes: tuple[str, ...] = ("catalogs:read", "catalogs:write", "user_accounts:read")
    catalog_id: str = "2680059592705"
    name: str = "Sandbox Catalogue"
    currency: str = "USD"
    feed: bool = False
    seconds: float = 1.0
    token_seconds: int = 2_592_000
    calls_per_minute: int | None = None
    calls_per_day: int | None = None


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was taken in under one id, and what came of each item."""

    id: str
    items: list[Json]
    created: datetime
    completed: datetime | None = None
    status: str = "PROCESSING"
    records: list[Json] = field(default_factory=list)


class State:
    """Everything the stand-in holds. `stalled`: batches stay where they are; `refused`: items that fail while one is carried out."""

    def __init__(self, now: Now, options: Options) -> None:
        self.now = now
        self.options = options
        self.catalogue = Catalogue(now, options.currency)
        self.batches: dict[str, Batch] = {}
        self.tokens: dict[str, datetime] = {}
        self.revoked = False
        self.stalled = False
        self.refused: dict[str, str] = {}
        self._recent: dict[str, tuple[datetime, Batch]] = {}

    def issue(self) -> str:
        """Make an access token."""
        token = f"pina.{hashlib.sha256(f'token {len(self.tokens)}'.encode()).hexdigest()}"
        self.tokens[token] = self.now() + timedelta(seconds=self.options.token_seconds)
        return token

    def take_in(self, items: list[Json], body: bytes) -> tuple[Batch, bool]:
        """Give a batch its id; one that equals a batch of the last minutes is skipped, and says so."""
        digest = hashlib.sha256(body).hexdigest()
        known = self._recent.get(digest)
        if known and self.now() - known[0] < timedelta(minutes=5):
            return known[1], False
        batch = Batch(
            id=hashlib.md5(f"{len(self.batches)}".encode(), usedforsecurity=False).hexdigest(),
            items=items,
            created=self.now(),
        )
        self.batches[batch.id], self._recent[digest] = batch, (self.now(), batch)
        self.catalogue.later(self.now() + timedelta(seconds=self.options.seconds), lambda: self._carry_out(batch))
        return batch, True

    def _carry_out(self, batch: Batch) -> None:
        if self.stalled:
            self.catalogue.later(self.now() + timedelta(seconds=1), lambda: self._carry_out(batch))
            return
        for entry in batch.items:
            errors = self._one(entry)
            status = "FAILURE" if errors else "SUCCESS"
            batch.records.append({"item_id": entry["item_id"], "status": status, "errors": errors, "warnings": []})
        batch.status, batch.completed = "COMPLETED", self.now()

    def _one(self, entry: Json) -> list[Json]:
        sku, operation = entry["item_id"], entry["operation"]
        item = self.catalogue.items.get(sku)
        try:
            if sku in self.refused:
                raise FaultyItem("item_id", 115, self.refused[sku])
            if operation == "DELETE":
                self.catalogue.drop(sku)
                return []
            if operation == "UPDATE" and item is None:
                raise FaultyItem("item_id", 152, "The item does not exist in the catalog.")
            if operation == "CREATE" and item is not None:
                raise FaultyItem("item_id", 151, "The item already exists in the catalog.")
            write(item, self.catalogue, sku, entry.get("attributes") or {}, entry.get("update_mask") or ())
        except FaultyItem as error:
            return [{"attribute": error.attribute, "code": error.code, "message": error.message}]
        return []


class PinterestShop(SurfaceShop):
    """The person in the catalogue's web pages, and the trouble that may befall a batch."""

    def __init__(self, state: State, host: str) -> None:
        super().__init__(state.catalogue, host, "catalog")
        self.state = state

    def stock(self) -> dict[str, dict[str, int]]:
        """A Pinterest item has no number: it can be had (1) or it is sold out (0)."""
        self.catalogue.settle()
        return {item.id: {self.place: int(item.available)} for item in self.catalogue.items.values()}

    def hide(self, item: Item, *, hidden: bool) -> None:
        """An item is in the catalogue or it is not."""
        del item
        if hidden:
            raise RefusedError("Pinterest hides no items")

    def revoke(self) -> None:
        """Take the app's access back, as the account's owner can at any time."""
        self.state.revoked = True

    def stall(self, *, on: bool = True) -> None:
        """Let batches that were taken in never end (or end after all)."""
        self.state.stalled = on

    def refuse(self, sku: str, message: str = "The item violates the merchant guidelines.") -> None:
        """Let an item fail while its batch is carried out."""
        self.state.refused[sku] = message
