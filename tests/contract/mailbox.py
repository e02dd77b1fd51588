"""The far end of a platform's webhooks: subscribed through the connector, it keeps what the stand-in's courier brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

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
    def url(self) -> str:
        """Where subscriptions are made to: our address, or the merchant's queue."""
        queue = self.bench.connector.queue
        return queue.address if queue is not None else URL

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
        self.listen()
        if self.bench.facts.subscribes:
            made = await self.port.subscribe(self.port.topics, self.url, SECRET)
            named = tuple(one.secret for one in made if one.secret)
        else:
            named = (self.bench.shop.subscribe(self.url),)
        self.secrets = self.port.secrets or tuple(dict.fromkeys(named)) or (SECRET,)
        await self.hear()
        return await self.ours() if self.bench.facts.subscribes else []

    def listen(self) -> None:
        """Stand at the address: take what is brought there, and answer a platform that tries it."""
        courier = self.bench.platform.courier
        courier.post, courier.ask = self._take, self._answer

    async def hear(self, seconds: float = SOON) -> None:
        """Wait for what is told of something that just happened; a queue is emptied."""
        await self.bench.wait(seconds)
        queue = self.bench.connector.queue
        while queue is not None and (found := await queue.receive()):
            self.got += [one.delivery for one in found]
            await queue.delete([one.receipt for one in found])

    async def event(self) -> str:
        """Let something happen that the platform tells of; returns the id of what it is about."""
        tells = self.bench.facts.tells
        if "sale" in tells:
            return await self.sale("TEE")
        await (self.count("TEE", 5) if "count" in tells else self.edit("TEE", title="Another title"))
        return (await self.bench.variant("TEE"))[0].id

    async def ours(self) -> list[Subscription]:
        """List the subscriptions for this address."""
        return [one for one in await self.port.subscriptions() if one.url == self.url]

    async def sale(self, sku: str, quantity: int = 1) -> str:
        """Let a shopper buy, and wait for what is told of it; returns the order's id as the shop gives it."""
        self.got.clear()
        order: str = self.bench.shop.sale([{"sku": sku, "quantity": quantity}])
        await self.hear()
        return order

    async def count(self, sku: str, quantity: int) -> None:
        """Let a clerk count, and wait for what is told of it."""
        self.got.clear()
        self.bench.shop.count(sku, quantity)
        await self.hear()

    async def edit(self, sku: str, **fields: str) -> None:
        """Let somebody edit a product, and wait for what is told of it."""
        self.got.clear()
        self.bench.shop.edit_product(sku, **fields)
        await self.hear()

    async def _take(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        lower = {name.lower(): value for name, value in headers.items()}
        delivery = Delivery(body=body, headers=lower, url=url)
        if self.bench.connector.handshake is not None:
            await self.bench.connector.handshake.learn(delivery)
        self.got.append(delivery)
        return self.status

    async def _answer(self, url: str) -> tuple[int, bytes]:
        address, _, query = url.partition("?")
        handshake = self.bench.connector.handshake
        said = handshake.answer(dict(parse_qsl(query)), address) if handshake is not None else None
        return (404, b"") if said is None else (200, said)
