"""One Merchant Center account: product inputs, the processed products they become, local inventory, tokens."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.google.fields import GoogleError, check, write
from bridge.sandbox.kit.platform import Now, RefusedError
from bridge.sandbox.kit.surface import Catalogue, SurfaceShop

Json = dict[str, Any]
ONLINE = "online"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen when a stand-in is made.

    `seconds` is how long a product input takes to become visible in the processed product; `access` is whether the service
    account is a user of the account; `registered` is whether its Cloud project is; `calls_per_minute` is the quota, which
    counts the calls within a batch; `source` is the kind of the data source.
    """

    account: str = "123456789"
    name: str = "Sandbox Merchant"
    email: str = "bridge@sandbox-project.iam.gserviceaccount.com"
    data_source: str = "104628"
    supplemental: str = "104629"
    source: str = "API"
    stores: tuple[str, ...] = ()
    currency: str = "USD"
    access: bool = True
    registered: bool = True
    seconds: float = 1.0
    token_seconds: int = 3599
    calls_per_minute: int | None = None


class State:
    """Everything the stand-in holds. `refused`: products whose inputs are refused; `revoke_after`: calls until the token ends."""

    def __init__(self, now: Now, options: Options, audience: str) -> None:
        self.now = now
        self.options = options
        self.audience = audience
        self.catalogue = Catalogue(now, options.currency)
        self.tokens: dict[str, datetime] = {}
        self.revoked = False
        self.revoke_after: int | None = None
        self.refused: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.deleted: set[str] = set()

    def issue(self) -> str:
        """Make an access token."""
        token = f"ya29.{hashlib.sha256(f'token {len(self.tokens)}'.encode()).hexdigest()}"
        self.tokens[token] = self.now() + timedelta(seconds=self.options.token_seconds)
        return token

    def exists(self, sku: str) -> bool:
        """Tell whether there is a product input of that id, visible yet or not."""
        return sku not in self.deleted and (sku in self.catalogue.items or sku in self.versions)

    def insert(self, sku: str, attributes: Json, version: int | None) -> None:
        """Replace an input as a whole; refused where its version is lower than that of the one there."""
        if version is not None and self.exists(sku) and version < self.versions.get(sku, 0):
            raise GoogleError(
                409, "ABORTED", f"The version number {version} is lower than that of the existing product."
            )
        self._take(sku, attributes, whole=True)
        self.deleted.discard(sku)
        self.versions[sku] = version if version is not None else self.versions.get(sku, 0)

    def supplement(self, sku: str, attributes: Json) -> None:
        """Put a supplemental source's attributes over those of the primary one."""
        if not self.exists(sku):
            raise GoogleError(404, "NOT_FOUND", f"Product {sku} not found.")
        self._take(sku, attributes, whole=False)

    def patch(self, sku: str, attributes: Json) -> None:
        """Change some attributes; None takes one off."""
        if not self.exists(sku):
            raise GoogleError(404, "NOT_FOUND", f"Product input {sku} not found.")
        self._take(sku, attributes, whole=False)

    def delete(self, sku: str) -> None:
        """Delete an input; its product goes after a while."""
        if not self.exists(sku):
            raise GoogleError(404, "NOT_FOUND", f"Product input {sku} not found.")
        self.deleted.add(sku)
        self.versions.pop(sku, None)
        self._later(lambda: self._drop(sku))

    def put_local(self, sku: str, store: str, attributes: Json) -> None:
        """Replace a store's entry of a product as a whole."""
        if not self.exists(sku):
            raise GoogleError(404, "NOT_FOUND", f"Product {sku} not found.")
        if store not in self.options.stores:
            raise GoogleError(400, "INVALID_ARGUMENT", f"[storeCode] Unknown store code: {store}")
        if int(attributes.get("quantity") or 0) < 0:
            raise GoogleError(400, "INVALID_ARGUMENT", "[quantity] must be greater than or equal to zero")
        self._later(lambda: self._local(sku, store, attributes))

    def _take(self, sku: str, attributes: Json, *, whole: bool) -> None:
        if sku in self.refused:
            raise GoogleError(400, "INVALID_ARGUMENT", self.refused[sku])
        check(attributes, self.options.currency, whole=whole)
        self._later(lambda: self._apply(sku, attributes))

    def _apply(self, sku: str, attributes: Json) -> None:
        if sku in self.deleted:
            return
        item = self.catalogue.items.get(sku) or self.catalogue.add(sku)
        write(item, attributes, self.catalogue.currency)

    def _local(self, sku: str, store: str, attributes: Json) -> None:
        if sku in self.catalogue.items:
            self.catalogue.items[sku].more.setdefault("local", {})[store] = attributes

    def _drop(self, sku: str) -> None:
        if sku in self.deleted:
            self.catalogue.drop(sku)
            self.deleted.discard(sku)

    def _later(self, act: Any) -> None:
        self.catalogue.later(self.now() + timedelta(seconds=self.options.seconds), act)


class GoogleShop(SurfaceShop):
    """The person in Merchant Center, and the trouble that may befall calls."""

    def __init__(self, state: State, host: str) -> None:
        super().__init__(state.catalogue, host, ONLINE)
        self.state = state

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Type a number in by hand, online or for a store."""
        if location in {None, ONLINE}:
            super().count(sku, quantity)
            return
        if location not in self.state.options.stores:
            raise RefusedError(f"no such store: {location}")
        state = "IN_STOCK" if quantity > 0 else "OUT_OF_STOCK"
        self._item(sku).more.setdefault("local", {})[location] = {"availability": state, "quantity": str(quantity)}

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the numbers that are shown, online and in stores."""
        found = super().stock()
        for item in self.catalogue.items.values():
            for store, attributes in item.more.get("local", {}).items():
                found.setdefault(item.id, {})[store] = int(attributes.get("quantity") or 0)
        return found

    def revoke(self, *, after: int = 0) -> None:
        """Take the service account's access back, at once or after so many more calls (those within a batch count)."""
        self.state.revoke_after = after

    def refuse(self, sku: str, message: str = "[price] Invalid value") -> None:
        """Let inputs of a product be refused."""
        self.state.refused[sku] = message
