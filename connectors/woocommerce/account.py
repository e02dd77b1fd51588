"""The account port: credentials, permissions and what a merchant should know before the first write."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Identity
from connectors.woocommerce.mapping import GRAMS, text_of
from connectors.woocommerce.rest import Rest, Row
from connectors.woocommerce.settings import Settings

__all__ = ["Account"]


class Account:
    """Who we are in that shop."""

    def __init__(self, rest: Rest, settings: Settings, root: str) -> None:
        self._rest = rest
        self._settings = settings
        self._root = root

    async def check(self) -> Identity:
        """Verify url, key and permissions without changing anything; raises NeedsPerson where a person must act."""
        index = await self._rest.read("read the shop's index", self._root, _fields="name,home,namespaces")
        self._same_address(index.payload)
        status, products, missing = await asyncio.gather(
            self._rest.read("read the shop's status", "system_status", _fields="environment,settings"),
            self._rest.read("read the shop's settings", "settings/products", _fields="id,value"),
            self._missing(),
        )
        environment, settings = (_part(status.payload, name) for name in ("environment", "settings"))
        return Identity(
            name=text_of(index.payload, "name") or self._settings.url,
            currency=text_of(settings, "currency"),
            now=status.at,
            missing=missing,
            notes=tuple(self._notes(settings, _values(products.payload))),
            version=text_of(environment, "version"),
        )

    def _same_address(self, index: Any) -> None:
        names = index.get("namespaces") if isinstance(index, Mapping) else None
        if not isinstance(names, list) or "wc/v3" not in names:
            raise NeedsPerson(
                "the address is a WordPress site without WooCommerce's wc/v3 interface",
                where=self._rest.http.where,
                next_step="set url to the shop's address; is the plugin WooCommerce active there?",
            )
        home = text_of(index, "home")
        signs = self._settings.sign_calls or self._settings.url.startswith("http://")
        # The shop checks a signature against its own home address, not against the one that was dialled.
        if signs and home and _place(home) != _place(self._settings.url):
            raise NeedsPerson(
                f"the shop calls itself {home}, so calls signed for {self._settings.url} would be refused",
                where=self._rest.http.where,
                next_step=f"set url to {home}",
            )

    async def _missing(self) -> tuple[str, ...]:
        """A read key is found out by an empty batch: permission is checked, and there is nothing to do."""
        try:
            await self._rest.write("check write permission", "POST", "products/batch", {}, repeatable=True)
        except NeedsPerson as error:
            if "write permission" not in error.what:
                raise
            return ("write",)
        return ()

    def _notes(self, settings: Row, values: Mapping[str, str]) -> list[str]:
        notes: list[str] = []
        if values.get("woocommerce_manage_stock") == "no":
            notes.append("stock management is off in the shop: WooCommerce > Settings > Products > Inventory")
        unit, currency = values.get("woocommerce_weight_unit", ""), text_of(settings, "currency")
        if unit not in GRAMS:
            notes.append(
                f"the shop weighs in {unit or 'nothing'}, which the bridge does not know: weights are left out"
            )
        if self._settings.weight_unit and self._settings.weight_unit != unit:
            notes.append(f"the shop weighs in {unit}: set weight_unit to {unit}")
        if self._settings.currency and self._settings.currency.upper() != currency:
            notes.append(f"the shop's currency is {currency}: set currency to {currency}")
        if self._settings.url.startswith("http://"):
            notes.append("the url is plain http: orders and addresses travel unprotected; switch the shop to https")
        return notes


def _part(payload: Any, name: str) -> Row:
    part = payload.get(name) if isinstance(payload, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _values(payload: Any) -> dict[str, str]:
    rows = payload if isinstance(payload, list) else []
    return {text_of(row, "id"): text_of(row, "value") for row in rows if isinstance(row, Mapping)}


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
