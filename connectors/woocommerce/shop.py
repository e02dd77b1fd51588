"""What must be known about the shop to read a price or a weight: its currency and weight unit, asked for once a day.

A process that lives for seconds (`bridge sync` from cron) would ask each time, so the catalogue's cursor carries them along.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime

from connectors.woocommerce.mapping import text_of
from connectors.woocommerce.rest import Rest
from connectors.woocommerce.settings import Settings

__all__ = ["Facts", "Shop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The shop's currency (ISO 4217) and weight unit (kg, g, lbs, oz; "" unknown)."""

    currency: str
    weight_unit: str


class Shop:
    """The facts of one shop, from the settings where they are given. Asked for only when a product is at hand."""

    def __init__(self, rest: Rest, settings: Settings) -> None:
        self._rest = rest
        self._settings = settings
        self._facts: Facts | None = None
        self._day = ""
        self._code = settings.currency.upper()
        self._lock = asyncio.Lock()

    async def facts(self) -> Facts:
        """Return them; at most two calls in the connector's life."""
        async with self._lock:
            if self._facts is None:
                currency, unit = await asyncio.gather(self._currency(), self._weight_unit())
                self._facts = Facts(currency=currency, weight_unit=unit)
            return self._facts

    async def currency(self) -> str:
        """Return the currency alone; at most one call in the connector's life."""
        async with self._lock:
            return self._facts.currency if self._facts else await self._currency()

    def note(self) -> str:
        """Return what is known, to be carried along ("" = nothing yet)."""
        return f"{self._facts.currency}/{self._facts.weight_unit}/{self._day}" if self._facts and self._day else ""

    def recall(self, note: str, now: datetime) -> None:
        """Believe what was carried along, if it was asked for today."""
        found = re.fullmatch(r"([A-Z]{3})/([a-z]*)/(\d{4}-\d\d-\d\d)", note)
        if found and found[3] == f"{now:%Y-%m-%d}" and self._facts is None:
            self._facts, self._day = Facts(currency=found[1], weight_unit=found[2]), found[3]

    def asked_on(self, now: datetime) -> None:
        """Note the day on which the facts were asked for."""
        self._day = self._day or f"{now:%Y-%m-%d}"

    async def _currency(self) -> str:
        if not self._code:
            answer = await self._rest.read("read the currency", "data/currencies/current")
            self._code = text_of(answer.payload, "code")
        return self._code

    async def _weight_unit(self) -> str:
        if self._settings.weight_unit:
            return self._settings.weight_unit
        answer = await self._rest.read("read the weight unit", "settings/products")
        units = [text_of(one, "value") for one in answer.payload if one.get("id") == "woocommerce_weight_unit"]
        return units[0] if units else ""
