"""A merchant with three channels and a daemon: the house of the `bridge run` tests."""

import json
import socket
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.conftest import STOCK, products
from tests.acceptance.house import Bridge, Daemon, House, StandIn

__all__ = ["Trio", "free_port"]


def free_port() -> int:
    """Return a loopback port that nobody has."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass(slots=True)
class Trio:
    """A WooCommerce shop, a Shopify store and a Square till with the same products, adopted, and the command."""

    house: House
    bridge: Bridge
    port: int = field(default_factory=free_port)
    channels: dict[str, StandIn] = field(default_factory=dict)

    def open(self) -> None:
        """Start the stand-ins."""
        self.channels["shop"] = self.house.build("shop", "woocommerce", products(STOCK))
        self.channels["store"] = self.house.build("store", "shopify", products(STOCK))
        self.channels["till"] = self.house.build("till", "square", products(STOCK), locations=("Main Street",))

    def configure(self, *, poll: str, hooks: bool, more: str = "", **till: Any) -> None:
        """Write the config. With a poll every hour only webhooks can be what made a number travel."""
        public = f'public_url = "http://127.0.0.1:{self.port}"\n' if hooks else ""
        daemon = f'[daemon]\nlisten = "127.0.0.1:{self.port}"\npoll = "{poll}"\n{public}{more}'
        self.bridge.configure(
            {name: {**self._table(name), **(till if name == "till" else {})} for name in self.channels}, daemon
        )

    def _table(self, name: str) -> dict[str, object]:
        one = self.channels[name]
        keys = {
            "shop": ("consumer_key", "consumer_secret"),
            "store": ("access_token", "webhook_secret"),
            "till": ("access_token",),
        }
        table: dict[str, object] = {"platform": one.platform.name, "url": one.url}
        return table | {key: one.platform.credentials[key] for key in keys[name]}

    def adopt(self) -> None:
        """Open the ledger with the till's numbers."""
        self.bridge("adopt", "--open", "till")

    def hooked(self, daemon: Daemon) -> None:
        """Wait until every platform tells us what happens."""
        for name in self.channels:
            daemon.says(f"{name}: webhooks created")

    def sale(self, name: str, sku: str, quantity: int = 1) -> None:
        """Somebody buys."""
        self.channels[name].act("sale", lines=[{"sku": sku, "quantity": quantity}])

    def stock(self) -> dict[str, dict[str, int]]:
        """Every platform's own numbers."""
        return {name: one.stock() for name, one in self.channels.items()}

    def agree(self, **sold: int) -> None:
        """Wait until every platform shows what is left."""
        left = {sku: units - sold.get(sku, 0) for sku, units in STOCK.items()}
        self.house.pulse.until(
            lambda: all(one == left for one in self.stock().values()), f"for {left}; last: {self.stock()}"
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database."""
        connection = sqlite3.connect(self.bridge.folder / "bridge.db")
        try:
            return list(connection.execute(query))
        finally:
            connection.close()

    def states(self, daemon: Daemon) -> dict[str, str]:
        """How the daemon gets on with each channel."""
        return {one["channel"]: one["state"] for one in json.loads(daemon.get("/health")[1])["channels"]}

    def sound(self) -> None:
        """The ledger is proved, and no write is left whose outcome nobody knows."""
        assert self.bridge("check", "--ledger", "--json", code=None).json["ledger"]["ok"]
        assert {
            one["channel"]: one["in_flight"] for one in self.bridge("status", "--json").json["channels"]
        } == dict.fromkeys(self.channels, 0)
