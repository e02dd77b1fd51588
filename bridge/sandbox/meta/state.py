"""One catalogue: its items, the batches it took in, and who may use it."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bridge.sandbox.kit.platform import Now
from bridge.sandbox.kit.surface import Catalogue, Item, SurfaceShop
from bridge.sandbox.meta.fields import GraphError, problem, write

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen when a stand-in is made.

    `seconds` is how long a batch takes to come through; `calls_per_hour` is the rate limit of the catalogue; `proof` asks for
    appsecret_proof with every call; `permissions` are those of the token.
    """

    token: str = "EAAG-sandbox-system-user-token"  # noqa: S105 - a made-up token of a made-up business
    app_secret: str = "0123456789abcdef0123456789abcdef"  # noqa: S105 - likewise
    proof: bool = False
    catalog_id: str = "1406190000000001"
    name: str = "Sandbox Catalogue"
    currency: str = "USD"
    permissions: tuple[str, ...] = ("catalog_management", "business_management")
    seconds: float = 1.0
    calls_per_hour: int | None = None


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was taken in under one handle, and what came of it."""

    handle: str
    upsert: bool
    requests: list[Json]
    status: str = "dispatched"
    errors: list[Json] = field(default_factory=list)


class State:
    """Everything the stand-in holds. `stalled`: batches stay where they are; `refused`: items that fail while a batch is carried out."""

    def __init__(self, now: Now, options: Options) -> None:
        self.now = now
        self.options = options
        self.catalogue = Catalogue(now, options.currency)
        self.batches: dict[str, Batch] = {}
        self.revoked = False
        self.stalled = False
        self.refused: dict[str, str] = {}

    def take_in(self, requests: list[Json], *, upsert: bool) -> Batch:
        """Give a batch its handle; it is carried out later, in the order of its requests."""
        name = hashlib.sha256(f"{len(self.batches)} {self.options.catalog_id}".encode()).hexdigest()
        batch = Batch(handle=f"Acz{name}", upsert=upsert, requests=requests)
        self.batches[batch.handle] = batch
        at = self.now() + timedelta(seconds=self.options.seconds)
        self.catalogue.later(at, lambda: self._carry_out(batch))
        return batch

    def _carry_out(self, batch: Batch) -> None:
        if self.stalled:
            batch.status = "started"
            self.catalogue.later(self.now() + timedelta(seconds=1), lambda: self._carry_out(batch))
            return
        for line, request in enumerate(batch.requests):
            try:
                self._one(batch, request)
            except GraphError as error:
                batch.errors.append({"line": line, "id": str(request["data"]["id"]), "message": error.message})
        batch.status = "finished"

    def _one(self, batch: Batch, request: Json) -> None:
        sku, data = str(request["data"]["id"]), request["data"]
        if sku in self.refused:
            raise problem(self.refused[sku])
        if request["method"] == "DELETE":
            self.catalogue.drop(sku)
            return
        item = self.catalogue.items.get(sku)
        if item is None and request["method"] == "UPDATE" and not batch.upsert:
            raise problem(f"Item with retailer_id {sku} does not exist in the catalog")
        write(item, self.catalogue, sku, data)


class MetaShop(SurfaceShop):
    """The person in Commerce Manager, and the trouble that may befall a batch."""

    def __init__(self, state: State, host: str) -> None:
        super().__init__(state.catalogue, host, "catalog")
        self.state = state

    def revoke(self) -> None:
        """Take the token back, as a business's admin can at any time."""
        self.state.revoked = True

    def stall(self, *, on: bool = True) -> None:
        """Let batches that were taken in never end (or end after all)."""
        self.state.stalled = on

    def refuse(self, sku: str, message: str = "The item violates a policy") -> None:
        """Let an item fail while its batch is carried out."""
        self.state.refused[sku] = message

    def item(self, sku: str) -> Item:
        """Return an item as the catalogue has it now."""
        return self._item(sku)
