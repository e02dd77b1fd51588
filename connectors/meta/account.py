"""Which catalogue the token reaches, and what it may do there."""

from datetime import timedelta

from bridge.contract.ports import Identity
from bridge.wire.clock import clock_notes
from bridge.wire.payload import rows, text
from connectors.meta.client import Client
from connectors.meta.limits import PERMISSION
from connectors.meta.settings import Settings

__all__ = ["Account"]

_SKEW = timedelta(minutes=5)


class Account:
    """The account port."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._currency = settings.currency.strip().upper()

    async def check(self) -> Identity:
        """Verify token, permission and catalogue without writing; raises NeedsPerson where a person must act."""
        granted = await self._client.read("me/permissions", "read the token's permissions")
        held = {text(row, "permission") for row in rows(granted, "data") if text(row, "status") == "granted"}
        if PERMISSION not in held:
            return Identity(name=self._settings.catalog_id, currency="", now=self._client.now(), missing=(PERMISSION,))
        found, response = await self._client.get(
            "", "read the catalogue", (("fields", "id,name,vertical,product_count"),)
        )
        return Identity(
            name=text(found, "name") or text(found, "id"),
            currency=await self.currency(),
            now=response.at,
            notes=(
                *self._notes(text(found, "vertical")),
                *clock_notes(self._client.now() - response.at, "Meta", _SKEW),
            ),
            version=self._settings.version,
        )

    async def currency(self) -> str:
        """Return the catalogue's currency: the setting, else that of its first item, "" for an empty catalogue."""
        if not self._currency:
            params = (("fields", "currency"), ("limit", "1"))
            payload = await self._client.read("/products", "read the currency", params)
            self._currency = next((text(row, "currency") for row in rows(payload, "data")), "")
        return self._currency

    def _notes(self, vertical: str) -> list[str]:
        notes = [] if self._settings.link else ["no `link` is set: items that are missing cannot be created"]
        if vertical not in {"", "commerce"}:
            notes.append(f"the catalogue is for {vertical}, not for products: choose another `catalog_id`")
        return notes
