"""Idempotency keys: the same key with the same request answers again what was answered first."""

from collections.abc import Callable

import msgspec

from bridge.sandbox.square.errors import invalid, key_reused, missing
from bridge.sandbox.square.values import Json


class Replays:
    """Answers kept by (endpoint, key). A refused call keeps nothing, so its key may be used again."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[bytes, Json]] = {}

    def once(self, endpoint: str, body: Json, longest: int, do: Callable[[], Json]) -> Json:
        """Do it, or answer what the first call with this key was answered; another body is refused."""
        key = required_key(body, longest)
        print_of = msgspec.json.encode(body)
        kept = self.answers.get((endpoint, key))
        if kept is not None:
            if kept[0] != print_of:
                raise key_reused()
            return kept[1]
        answer = do()
        self.answers[endpoint, key] = (print_of, answer)
        return answer


def required_key(body: Json, longest: int) -> str:
    """Read a required idempotency key of at most `longest` characters."""
    key = body.get("idempotency_key")
    if not isinstance(key, str) or not key:
        raise missing("idempotency_key")
    if len(key) > longest:
        raise invalid("VALUE_TOO_LONG", f"Field must not be greater than {longest} in length", "idempotency_key")
    return key
