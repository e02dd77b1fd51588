"""The shop as a whole: its clock, ids, settings, keys, races, and the one seam through which changes are announced."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from bridge.sandbox.kit.platform import Now, Sleep


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A REST API key; `rights` is read, write or read_write; `manages` tells whether its user may manage the shop."""

    consumer_key: str
    consumer_secret: str
    rights: str = "read_write"
    manages: bool = True


@dataclass(slots=True, kw_only=True)
class Settings:
    """What a merchant can set, as far as it changes the API's behaviour."""

    version: str = "11.0.1"
    permalinks: str = "pretty"
    currency: str = "USD"
    currency_symbol: str = "$"
    weight_unit: str = "kg"
    gmt_offset: float = 0.0
    hold_stock_minutes: int = 60
    title: str = "Sandbox Shop"


@dataclass(slots=True, kw_only=True)
class Races:
    """How wide the platform's own read-then-write windows stand open, in seconds, and how often they do at all.

    0 seconds: one request after the other, nothing is ever lost."""

    race_window: float = 0.0
    delta_race: float = 1.0
    order_race: float = 1.0


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything that is not a product or an order. Ids of posts (products, orders, refunds, images) share one space."""

    host: str
    now: Now
    sleep: Sleep
    rng: random.Random
    settings: Settings
    races: Races
    keys: dict[str, ApiKey] = field(default_factory=dict)
    listeners: list[Callable[[str, int], None]] = field(default_factory=list)
    lapses: dict[str, datetime] = field(default_factory=dict)
    writing: set[str] = field(default_factory=set)
    posts: int = 10
    metas: int = 0
    items: int = 0
    prefix: str = ""

    def __post_init__(self) -> None:
        self.host = self.host.rstrip("/")
        self.prefix = urlsplit(self.host).path

    @property
    def modern(self) -> bool:
        """Tell 11.x from the 9.x line."""
        return int(self.settings.version.split(".")[0]) >= 11

    @property
    def offset(self) -> int:
        """Return the shop's distance from UTC in seconds."""
        return int(self.settings.gmt_offset * 3600)

    def clock(self) -> int:
        """Return the time in whole seconds, all the resolution WordPress has."""
        return int(self.now().timestamp())

    def next_post(self) -> int:
        """Draw an id from the posts table."""
        self.posts += 1
        return self.posts

    def next_meta(self) -> int:
        """Draw an id for a meta row."""
        self.metas += 1
        return self.metas

    def next_item(self) -> int:
        """Draw an id for an order line."""
        self.items += 1
        return self.items

    def emit(self, topic: str, resource: int) -> None:
        """Announce a change ("product.updated", 17); webhooks hang here."""
        for listener in self.listeners:
            listener(topic, resource)

    async def window(self, chance: float, share: float = 1.0) -> None:
        """Stand between the read and the write of one request, for as long as the platform does."""
        if self.races.race_window > 0 and self.rng.random() < chance:
            await self.sleep(self.races.race_window * share)


def make_key(host: str, label: str, rights: str = "read_write", *, manages: bool = True) -> ApiKey:
    """Make an API key in WooCommerce's form, the same for the same host and label."""
    digest = hashlib.sha256(f"{host} {label}".encode()).hexdigest()
    return ApiKey(f"ck_{digest[:40]}", f"cs_{digest[24:64]}", rights, manages)


class Recency:
    """Ids in the order of their last change, so that a poll reads only what changed since its cursor."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def touch(self, key: int, when: int) -> None:
        """Move an id to the newest end."""
        self._seen.pop(key, None)
        self._seen[key] = when

    def forget(self, key: int) -> None:
        """Drop an id."""
        self._seen.pop(key, None)

    def after(self, cursor: int) -> Iterator[int]:
        """Yield the ids changed strictly after the cursor, newest first."""
        for key in reversed(self._seen):
            if self._seen[key] <= cursor:
                return
            yield key
