"""The far end of a platform's webhooks: subscribed through the connector, it keeps what the stand-in's courier brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.contract.webhooks import Delivery, Hint, Subscription, WebhookPort
from tests.contract.bench import Bench

__all__ = ["SECRET", "URL", "Mailbox"]

URL = "https://bridge.example/hooks/the-channel"
SECRET = "hush-hush-chosen-by-the-bridge"
# Longer than any platform takes to tell of something that just happened.
SOON = 120.0


@dataclass(slots=True)
class Mailbox:
    """One address. `status` is what it answers; `got` is what came, as the connector is handed it."""

    bench: Bench
    status: int = 200
    got: list[Delivery] = field(default_factory=list)
    secrets: tuple[str, ...] = ()

    @property
    def port(self) -> WebhookPort:
        """The port under test."""
        assert self.bench.connector.webhooks is not None
        return self.bench.connector.webhooks

    @property
    def letters(self) -> list[Delivery]:
        """What came, without the hellos."""
        return [one for one in self.got if self.port.verify(one, self.secrets) != "greeting"]

    @property
    def hints(self) -> list[Hint]:
        """What the letters say to look at."""
        return [hint for one in self.letters for hint in self.port.parse(one)]

    async def open(self) -> list[Subscription]:
        """Start taking deliveries and subscribe to all topics; returns our subscriptions."""
        self.bench.platform.courier.post = self._take
        made = await self.port.subscribe(self.port.topics, URL, SECRET)
        named = tuple(one.secret for one in made if one.secret)
        self.secrets = self.port.secrets or tuple(dict.fromkeys(named)) or (SECRET,)
        await self.bench.wait(SOON)
        return await self.ours()

    async def ours(self) -> list[Subscription]:
        """List the subscriptions for this address."""
        return [one for one in await self.port.subscriptions() if one.url == URL]

    async def sale(self, sku: str, quantity: int = 1) -> str:
        """Let a shopper buy, and wait for what is told of it; returns the order's id as the shop gives it."""
        self.got.clear()
        order: str = self.bench.shop.sale([{"sku": sku, "quantity": quantity}])
        await self.bench.wait(SOON)
        return order

    async def count(self, sku: str, quantity: int) -> None:
        """Let a clerk count, and wait for what is told of it."""
        self.got.clear()
        self.bench.shop.count(sku, quantity)
        await self.bench.wait(SOON)

    async def _take(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        lower = {name.lower(): value for name, value in headers.items()}
        self.got.append(Delivery(body=body, headers=lower, url=url))
        return self.status
