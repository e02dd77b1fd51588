"""Which catalogue the app reaches, and what it may do there."""

from datetime import timedelta

from bridge.contract.ports import Identity
from bridge.wire.payload import rows, text
from bridge.wire.settings import demand_one_of
from connectors.pinterest.catalog import Catalog
from connectors.pinterest.client import Client
from connectors.pinterest.limits import SCOPES
from connectors.pinterest.settings import Settings

__all__ = ["Account"]

_SOON = timedelta(days=14)


class Account:
    """The account port."""

    def __init__(self, client: Client, catalog: Catalog, settings: Settings) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._currency = settings.currency.strip().upper()

    async def check(self) -> Identity:
        """Verify tokens, scopes and catalogue without writing; raises NeedsPerson where a person must act."""
        payload, response = await self._client.get("/catalogs", "list the catalogues", (("page_size", "250"),))
        names = {text(row, "id"): text(row, "name") for row in rows(payload, "items")}
        wanted = self._settings.catalog_id.strip()
        demand_one_of("catalog_id", wanted, names, f"the account has no catalogue {wanted}", self._client.where)
        held = self._client.grants.scopes
        return Identity(
            name=names[wanted] or wanted,
            currency=await self.currency(),
            now=response.at,
            missing=tuple(scope for scope in SCOPES if held and scope not in held),
            notes=tuple(self._notes()),
            version="v5",
        )

    async def currency(self) -> str:
        """Return the catalogue's currency: the setting, else that of its first item, "" for an empty catalogue."""
        self._currency = self._currency or await self._catalog.currency()
        return self._currency

    def _notes(self) -> list[str]:
        notes = [] if self._settings.link else ["no `link` is set: items that are missing cannot be created"]
        ends = self._client.grants.ends
        if ends is not None and ends - self._client.now() < _SOON:
            notes.append(
                f"the refresh token ends on {ends:%Y-%m-%d}: make a new one before (see the connector's README)"
            )
        return notes
