"""The webhook port: who is calling, what about, and which subscriptions the platform keeps for us.

A webhook is a hint: `parse` says what to look at, never what is true there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

__all__ = [
    "Delivery", "HandshakePort", "Hint", "QueuePort", "Queued", "Subscription", "Verdict", "WebhookPort",
]  # fmt: skip

Verdict = Literal["genuine", "greeting", "forged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request to `/hooks/<channel>`, as it came. Header names are in lower case; `url` is the public one it was sent to."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something to look at. `at` is when it happened by the platform's clock, where the delivery says so.

    order       `id` is the order's
    stock       `id` and `location` make the stock key; `id` alone where the platform names no location; `quantity` is the number
                told (None: none was): one that we know already is an echo, and needs no look
    product     `id` is the product's
    customer    `customers` are those who changed, or whose points did; none where the platform does not name them
    ticket      `id` is that of a write that was accepted: what became of it can be asked for now
    channel     something changed that is not named: read all feeds
    privacy     a person's data is asked for or is to be deleted: `topic` says which, `id` whose (the platform's customer id),
                `orders` names the orders meant
    nothing     genuine, and of no interest to the feeds (`topic` says what it was)

    `customers` and `coupons` name accounts and coupon codes (by the platform's ids) that were changed or deleted.
    """

    kind: Literal["order", "stock", "product", "customer", "ticket", "channel", "privacy", "nothing"]
    id: str = ""
    location: str = ""
    topic: str = ""
    at: datetime | None = None
    orders: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    quantity: int | None = None
    coupons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What the platform keeps. `secret` is what it signs deliveries with where it says so, else ""; `failures` since the last success."""

    id: str
    topics: tuple[str, ...]
    url: str
    active: bool = True
    failures: int = 0
    secret: str = field(default="", repr=False)


class WebhookPort(Protocol):
    """Subscriptions, and what arrives through them.

    `topics` are the platform's own names of what we want to hear of. `secrets` are those that the settings name (newest first);
    where there are none, `subscribe` agrees on one, which the engine keeps.
    """

    topics: tuple[str, ...]
    secrets: tuple[str, ...]

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare the signature over the raw bytes with each secret, in constant time. "greeting": the platform's unsigned hello,
        to be answered 200 and not looked at."""

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what to look at. Pure; a genuine delivery that cannot be understood is a hint at the whole channel."""

    async def subscriptions(self) -> Sequence[Subscription]:
        """List all subscriptions that these credentials see, whoever made them."""

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Have these topics sent to `url`, signed with `secret` where the platform lets us choose it. Raises NeedsPerson, Refused."""

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Switch one on again that the platform switched off, and have it sign with `secret` where that can be chosen."""

    async def unsubscribe(self, subscription_id: str) -> None:
        """Take one back; gone already is fine."""


class HandshakePort(Protocol):
    """For platforms that try an address before they use it, or sign with keys that are to be fetched. Beside `webhooks`."""

    def answer(self, query: Mapping[str, str], url: str) -> bytes | None:
        """Answer a GET with which the platform tries our address `url` (a JSON body); None: it is no such question. Pure."""

    async def learn(self, delivery: Delivery) -> bool:
        """Fetch the key that a delivery names, so that `verify` may know it; False where it is known already or not to be had.

        Never asks more often than once a minute for a key that the platform does not know: anybody can name one.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A message of a queue: `delivery` is stored, then the queue forgets the message by its `receipt`."""

    receipt: str
    delivery: Delivery


class QueuePort(Protocol):
    """For platforms that push into a queue of the merchant's instead of to an address. `webhooks.parse` reads its messages.

    `address` stands where the webhook's URL would: subscriptions are made to it. Who may write into the queue is the queue's own
    policy, so what is in it is genuine.
    """

    address: str

    async def receive(self) -> Sequence[Queued]:
        """Take what is there, waiting for the first message as long as the queue lets us (some 20 s). A message not deleted
        comes again."""

    async def delete(self, receipts: Sequence[str]) -> None:
        """Have the queue forget these messages; forgotten already is fine."""
