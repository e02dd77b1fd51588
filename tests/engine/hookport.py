"""A small platform with webhooks: signs, keeps subscriptions, and can be told to refuse, to lose an answer, or to choose secrets."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bridge.contract.errors import BridgeError, Gone
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict

__all__ = ["HookPort", "signature"]


def signature(secret: str, body: bytes) -> str:
    """Sign a body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


@dataclass(slots=True)
class HookPort:
    """The port and the platform behind it. `kept` are its subscriptions, `calls` what it was asked to do.

    `one_for_all`: one subscription carries all topics. `chooses`: the platform signs with this, whatever it is asked to.
    `before` is raised before a call takes effect, `after` afterwards: an answer that was lost; each by the call's name.
    """

    topics: tuple[str, ...] = ("order.created", "order.updated", "product.updated")
    secrets: tuple[str, ...] = ()
    one_for_all: bool = False
    chooses: str = ""
    kept: dict[str, Subscription] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: dict[str, BridgeError] = field(default_factory=dict)
    after: dict[str, BridgeError] = field(default_factory=dict)
    _number: int = 0

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        if delivery.body.startswith(b"webhook_id="):
            return "greeting"
        given = delivery.headers.get("x-signature", "").encode("latin-1", "replace")
        fits = [hmac.compare_digest(signature(one, delivery.body).encode(), given) for one in secrets]
        return "genuine" if any(fits) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        try:
            told = json.loads(delivery.body)
        except ValueError:
            return [Hint(kind="channel")]
        kinds: tuple[Literal["order", "ticket"], ...] = ("order", "ticket")
        return [Hint(kind=kind, id=str(told[kind])) for kind in kinds if kind in told] or [Hint(kind="nothing")]

    async def subscriptions(self) -> Sequence[Subscription]:
        self._heard("list")
        return list(self.kept.values())

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        self._heard("subscribe")
        groups = [tuple(topics)] if self.one_for_all else [(topic,) for topic in topics]
        made = [self.put(group, url, secret=secret) for group in groups]
        self._lost("subscribe")
        return made

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        self._heard("mend")
        if subscription.id not in self.kept:
            raise Gone("there is no such webhook")
        self.signs[subscription.id] = self.chooses or secret
        self.kept[subscription.id] = replace(self.kept[subscription.id], active=True, failures=0)
        self._lost("mend")
        return self.kept[subscription.id]

    async def unsubscribe(self, subscription_id: str) -> None:
        self._heard("unsubscribe")
        self.kept.pop(subscription_id, None)
        self._lost("unsubscribe")

    def put(
        self, topics: Sequence[str], url: str, *, secret: str = "", active: bool = True, failures: int = 0
    ) -> Subscription:
        """Let the platform have a subscription, whoever made it."""
        self._number += 1
        name = str(self._number)
        self.signs[name] = self.chooses or secret
        one = Subscription(
            id=name, topics=tuple(topics), url=url, active=active, failures=failures, secret=self.chooses
        )
        self.kept[name] = one
        return one

    def signed(self, body: bytes, subscription: str = "1") -> Mapping[str, str]:
        """Return the headers that the platform sends with a body."""
        return {"x-signature": signature(self.signs[subscription], body)}

    def _heard(self, call: str) -> None:
        self.calls.append(call)
        if call in self.before:
            raise self.before[call]

    def _lost(self, call: str) -> None:
        if call in self.after:
            raise self.after[call]
