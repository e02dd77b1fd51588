"""A merchant's house with a history, for the tests of the page: a web shop and a till (stand-ins), an App on a file, and days of
trade through the real engine: sales, a lost update, a conflict, a plan that the guard holds back, items that were parked.
"""

import asyncio
import importlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from argon2 import PasswordHasher
from starlette.applications import Starlette

from bridge.app import App
from bridge.app.configfile import config_text
from bridge.config import parse
from bridge.contract.webhooks import Delivery
from bridge.engine.inbox import Inbox
from bridge.rehearsal.world import HOSTS
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.store import deliveries, events, figures
from bridge.webserver.auth import token_hash
from bridge.webserver.server import build
from bridge.webserver.web import ChannelHealth, Health, Web
from bridge.wire.http import Surroundings

__all__ = ["HOSTILE", "PASSWORD", "TOKENS", "House", "adopted", "empty", "lived_in"]

T = TypeVar("T")
PASSWORD = "correct horse battery staple"
TOKENS = {"reader": "t-reader-0123456789", "till-2": "t-till-0123456789"}
# As `bridge password` makes it, but cheap: what makes guessing slow would make every login of these tests slow.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
# What a catalogue may hold. Square takes any text for a SKU, WooCommerce strips tags.
HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; drop table skus; --", "\u202eevil-\u05d0\u05d1\u05d2",
    "50%_/../?a=b&c#d", "{{ 7*7 }}",
)  # fmt: skip
_CONFIG = """
[guard]
zero = 3

[stock]
grace = "2s"

[products]
owner = "shop"

[daemon]
public_url = "{public_url}"

[web]
password = "{password}"

[[tokens]]
name = "reader"
hash = "{reader}"
scopes = ["read"]

[[tokens]]
name = "till-2"
hash = "{till}"
scopes = ["holds", "stock"]

[[events]]
name = "mailer"
url = "https://automation.example/bridge"
secret = "0123456789abcdef"
"""
_NAMES = {"shop": "woocommerce", "till": "square"}
_OPTIONS: dict[str, dict[str, Any]] = {"till": {"locations": ("Main Street",)}}


@dataclass(slots=True)
class House:
    """The stand-ins, the App, its web server, and how often the daemon was poked."""

    loop: SimulatedLoop
    platforms: dict[str, Platform]
    app: App
    health: Health = field(default_factory=Health)
    poked: int = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something under simulated time."""
        return self.loop.run_until_complete(work)

    def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.run(asyncio.sleep(seconds))

    def shop(self, name: str) -> Any:
        """The verbs of a platform's people."""
        return self.platforms[name].shop

    def sync(self) -> None:
        """One `bridge sync` of everything, after a while."""
        self.wait(10)
        self.run(self.app.sync())

    def web(self) -> Starlette:
        """The web server's application."""
        inbox = Inbox(self.app.database, {}, self.app.now, lambda _: None, threads=False)
        return build(Web(app=self.app, inbox=inbox, health=lambda: self.health, poke=self._poked))

    def _poked(self) -> None:
        self.poked += 1

    def close(self) -> None:
        """End everything."""
        self.app.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


def empty(folder: Path, *, public_url: str = "http://127.0.0.1", password: str = HASH, more: str = "") -> House:
    """A house on its first day: nothing adopted yet."""
    loop, rng = SimulatedLoop(), random.Random(5)
    platforms: dict[str, Platform] = {}
    for name, platform in _NAMES.items():
        package: Any = importlib.import_module(f"bridge.sandbox.{platform}")
        luck, host = random.Random(rng.random()), f"https://{HOSTS[platform]}"
        platforms[name] = package.build(
            now=loop.now, sleep=asyncio.sleep, rng=luck, host=host, **_OPTIONS.get(name, {})
        )
    transport = InProcess({HOSTS[_NAMES[name]]: platform.app for name, platform in platforms.items()})
    around = Surroundings(
        now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=rng, transport=transport, timeout=60.0, attempts=2
    )
    text = config_text(
        {name: _settings(name, platform) for name, platform in platforms.items()}, str(folder / "bridge.db")
    )
    own = _CONFIG.format(
        public_url=public_url, password=password, reader=token_hash(TOKENS["reader"]), till=token_hash(TOKENS["till-2"])
    )
    loaded = parse(f"{text}\n{own}\n{more}", file=folder / "config.toml", environment={})
    return House(loop=loop, platforms=platforms, app=App.open(loaded, surroundings=around))


def _settings(name: str, platform: Platform) -> dict[str, object]:
    module: Any = importlib.import_module(f"connectors.{platform.name}")
    known = set(module.Settings.__dataclass_fields__) - {"client_id", "client_secret"}
    values: dict[str, object] = {key: value for key, value in platform.credentials.items() if key in known}
    own = {} if name == "shop" else {"counts_from": False}
    return {"platform": platform.name, "url": f"https://{HOSTS[platform.name]}", **values, **own}


def _goods() -> list[dict[str, Any]]:
    names = [f"TEE-{colour}-{size}" for colour in ("RED", "BLUE", "SAND") for size in ("S", "M", "L")]
    shelf = random.Random(3)
    rows = [("T-Shirt", name, shelf.randint(5, 30)) for name in names]
    rows += [("Mug & Saucer", "MUG", 14), ("Straße Café Hat", "CAP", 7)]
    return [
        {
            "title": f"{title} {sku}",
            "variants": [{"sku": sku, "barcode": f"40{n:011d}", "price": "12.50", "stock": stock}],
        }
        for n, (title, sku, stock) in enumerate(rows)
    ]


def lived_in(folder: Path, **how: Any) -> House:
    """A house with a history."""
    return _made(empty(folder, **how), _live)


def adopted(folder: Path, **how: Any) -> House:
    """A house with goods, adopted just now: a second of work less."""
    return _made(empty(folder, **how), _adopt)


def _made(house: House, furnish: Callable[[House], None]) -> House:
    try:
        furnish(house)
    except BaseException:
        house.close()
        raise
    return house


def _adopt(house: House) -> None:
    for name in _NAMES:
        house.shop(name).seed(_goods())
    house.shop("till").seed(
        [{"title": sku, "variants": [{"sku": sku, "price": "1.00", "stock": 5}]} for sku in HOSTILE]
    )
    house.shop("till").seed([{"title": "Mystery box", "variants": [{"sku": "", "price": "9.00", "stock": 7}]}])
    house.run(house.app.adopt(source="shop"))


def _live(house: House) -> None:
    _adopt(house)
    for act in (nothing, *_days(house)):
        act()
        house.sync()
    _told(house)
    house.health = Health(
        channels=(
            ChannelHealth(channel="shop", state="ok", heard_at=house.app.now(), poll=180.0),
            ChannelHealth(
                channel="till", state="failing", heard_at=house.app.now(), error="the till answered <b>503</b>"
            ),
        )
    )


def _days(house: House) -> list[Callable[[], None]]:
    """What happens, sync by sync."""
    shop, till = house.shop("shop"), house.shop("till")
    sold: list[str] = []

    def trade() -> None:
        sold.append(shop.sale([{"sku": "MUG", "quantity": 3}, {"sku": "TEE-RED-M", "quantity": 1}]))
        till.sale([{"sku": "TEE-RED-M", "quantity": 2}])
        shop.sale([{"sku": sku["variants"][0]["sku"], "quantity": 1} for sku in _goods()])

    def returned() -> None:
        shop.refund(sold[0], [{"sku": "MUG", "quantity": 1}])

    def mistakes() -> None:
        # The till's numbers do not count (counts_from), so what somebody sets there is put right.
        till.count("MUG", 99)
        till.edit_product("CAP", title="Hat")
        mystery = next(
            row for row in till.seed([{"title": "Box", "variants": [{"sku": "", "price": "1.00", "stock": 3}]}])
        )
        till.sale([{"id": mystery["variant"], "quantity": 1}])

    def too_much() -> None:
        for sku in ("TEE-BLUE-S", "TEE-BLUE-M", "TEE-BLUE-L", "TEE-SAND-S"):
            shop.count(sku, 0)

    return [trade, returned, mistakes, nothing, too_much, nothing, lambda: _refused(house)]


def nothing() -> None:
    """Nothing happens: a number that differs is judged when it is seen for the second time."""


def _refused(house: House) -> None:
    """The till takes no write any more: the next one is parked."""
    house.platforms["till"].faults.add(kind="status", status=400, path="inventory/changes/batch-create", times=None)
    house.shop("shop").sale([{"sku": "CAP", "quantity": 1}])


def _told(house: House) -> None:
    """What only a running daemon writes down: deliveries, figures, events."""
    database, now = house.app.database, house.app.now()

    def unit(connection: Any) -> None:
        for back in range(30):
            at = now - timedelta(hours=back)
            figures.add(connection, at, "shop", {"written": 7 * back % 13, "calls": 40 + back, "delay.le.250": 60})
            figures.add(connection, at, "till", {"written": 5, "calls": 30, "delay.le.100": 38, "delay.le.2000": 2})
        delivery = Delivery(body=b"{}", headers={}, url="https://bridge.example/hooks/shop")
        at = now - timedelta(minutes=3)
        deliveries.insert(connection, [deliveries.New(channel="shop", received_at=at, delivery=delivery)] * 3)
        first = deliveries.waiting(connection, "shop")[0]
        deliveries.finish(connection, [first.id], "failed", "order 77 <is> no more", now)
        first_event = events.due(connection, "mailer", now, 10)[0]
        events.failed(connection, "mailer", first_event.id, now + timedelta(seconds=20), "the target answered 500")

    database.write(unit)
