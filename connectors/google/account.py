"""Which Merchant Center account the service account reaches, and what its data source is."""

from collections.abc import Sequence

from bridge.contract.errors import Gone, NeedsPerson
from bridge.contract.ports import Identity
from bridge.domain.catalog import Location
from bridge.wire.clock import clock_notes
from bridge.wire.payload import Payload, names, text
from connectors.google.client import Client
from connectors.google.limits import ONLINE
from connectors.google.settings import Settings

__all__ = ["Account"]


class Account:
    """The account port."""

    def __init__(self, client: Client, settings: Settings, stores: Sequence[str]) -> None:
        self._client = client
        self._settings = settings
        self._stores = tuple(stores)

    async def check(self) -> Identity:
        """Verify key, access and data sources without writing; raises NeedsPerson where a person must act."""
        found, response = await self._client.get(f"accounts/v1/{self._client.account}", "read the account")
        me = await self._client.read(f"accounts/v1/{self._client.account}/users/me", "read the access rights")
        source = await self._source(self._client.source, "data_source")
        notes = [] if "primaryProductDataSource" in source else [_not_primary(text(source, "displayName"))]
        if self._client.stock_source:
            await self._source(self._client.stock_source, "stock_source")
        return Identity(
            name=text(found, "accountName"),
            currency=self._settings.currency,
            now=response.at,
            locations=(Location(id=ONLINE, name=ONLINE), *(Location(id=store, name=store) for store in self._stores)),
            missing=() if {"STANDARD", "ADMIN"} & set(names(me, "accessRights")) else ("STANDARD",),
            # The assertion that is traded for a token carries our time.
            notes=(*notes, *self._notes(), *clock_notes(self._client.now() - response.at, "Google")),
            version="v1",
        )

    async def _source(self, name: str, setting: str) -> Payload:
        try:
            found = await self._client.read(f"datasources/v1/{name}", "read the data source")
        except Gone as error:
            step = f"set the channel's `{setting}` to the number of an API data source"
            raise NeedsPerson(error.what, where=self._client.where, code=error.code, next_step=step) from error
        if text(found, "input") not in {"", "API"}:
            step = f"add a data source of the kind API in Merchant Center, and set `{setting}` to its number"
            raise NeedsPerson(f"data source {name} is not an API data source", where=self._client.where, next_step=step)
        return found

    def _notes(self) -> list[str]:
        return [] if self._settings.link else ["no `link` is set: items that are missing cannot be created"]


def _not_primary(name: str) -> str:
    return f"data source {name} is not a primary one: put it into `stock_source`, and a primary one into `data_source`"
