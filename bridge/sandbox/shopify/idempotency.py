"""Keys of the `@idempotent(key:)` directive: a repeated call is answered from the record of the first one for 24 hours.

Sources: api/usage/implementing-idempotency; error codes of the 2026-10 schema; the missing-directive error is recorded
in inventory-quantity-contracts-2026-04.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.shopify.errors import refuse

KEPT = timedelta(hours=24)
MISMATCH = "The same idempotency key cannot be used with different operation parameters."
FAILED = "The previous attempt with this idempotency key failed. Use a new key to try again."


@dataclass(slots=True)
class _Attempt:
    at: datetime
    call: tuple[str, dict[str, Any]]
    payload: dict[str, Any] | None


@dataclass(slots=True)
class Keys:
    """The keys one app used in one shop."""

    now: Callable[[], datetime]
    attempts: dict[str, _Attempt] = field(default_factory=dict)

    def run(self, key: str, name: str, arguments: dict[str, Any], act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Run `act` once per key. The payload of a repeat holds the live records, so it shows what they are by now."""
        now = self.now()
        self._forget(now)
        before = self.attempts.get(key)
        if before is None:
            return self._first(key, _Attempt(now, (name, arguments), None), act)
        if before.call != (name, arguments):
            raise refuse(None, MISMATCH, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        if before.payload is None:
            raise refuse(None, FAILED, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
        return before.payload

    def _first(self, key: str, attempt: _Attempt, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.attempts[key] = attempt
        payload = act()
        attempt.payload = None if payload.get("user_errors") else payload
        return payload

    def _forget(self, now: datetime) -> None:
        """Drop what is older than a day; attempts are in the order of their times."""
        while self.attempts:
            oldest = next(iter(self.attempts))
            if now - self.attempts[oldest].at < KEPT:
                return
            del self.attempts[oldest]
