"""Bodies of requests, as ASGI brings them: in parts."""

from starlette.types import Receive

__all__ = ["read_body"]


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
