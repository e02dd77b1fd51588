"""The small platform's keys: it signs with keys that are to be fetched, and tries an address before it uses it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.contract.errors import BridgeError
from bridge.contract.webhooks import Delivery, Verdict
from tests.engine.hookport import HookPort, signature

__all__ = ["KeyPort"]


@dataclass(slots=True)
class KeyPort(HookPort):
    """`there` are the keys that the platform has, by id; `known` those that were fetched. Both ports in one."""

    there: dict[str, str] = field(default_factory=lambda: {"k1": "first"})
    known: dict[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    down: BridgeError | None = None

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        del secrets
        key = self.known.get(delivery.headers.get("x-key", ""))
        fits = key is not None and delivery.headers.get("x-signature") == signature(key, delivery.body)
        return "genuine" if fits else "forged"

    def answer(self, query: Mapping[str, str], url: str) -> bytes | None:
        if "challenge" not in query:
            return None
        told = hashlib.sha256(f"{query['challenge']}{url}".encode()).hexdigest()
        return json.dumps({"challengeResponse": told}).encode()

    async def learn(self, delivery: Delivery) -> bool:
        name = delivery.headers.get("x-key", "")
        if name in self.known:
            return False
        self.fetched.append(name)
        if self.down is not None:
            raise self.down
        if name in self.there:
            self.known[name] = self.there[name]
        return name in self.known
