"""Many calls in one HTTP request: multipart/mixed of application/http. Written on its own, not shared with whoever calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge.sandbox.google.fields import invalid

_BOUNDARY = "batch_sandbox"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call within."""

    id: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def calls_in(content_type: str, raw: bytes) -> list[Call]:
    """Take the calls out of a batch."""
    kind, _, boundary = content_type.partition("boundary=")
    if "multipart/mixed" not in kind or not boundary:
        raise invalid("content-type", "must be multipart/mixed with a boundary")
    mark = b"--" + boundary.strip().strip('"').encode()
    pieces = raw.replace(b"\r\n", b"\n").split(mark)
    return [_call(piece.strip(b"\n")) for piece in pieces[1:] if not piece.startswith(b"--")]


def joined(answers: Sequence[tuple[str, int, Any]]) -> tuple[str, bytes]:
    """Write the answers down: the content type, and the content."""
    parts = []
    for name, status, body in answers:
        inner = f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        label = f"Content-ID: <response-{name}>\r\n" if name else ""
        head = f"--{_BOUNDARY}\r\nContent-Type: application/http\r\n{label}\r\n{inner}"
        parts.append(head.encode() + msgspec.json.encode(body) + b"\r\n")
    return f"multipart/mixed; boundary={_BOUNDARY}", b"".join(parts) + f"--{_BOUNDARY}--".encode()


def _call(piece: bytes) -> Call:
    outer, _, inner = piece.partition(b"\n\n")
    head, _, body = inner.partition(b"\n\n")
    first, *rest = head.decode().split("\n")
    words = first.split(" ")
    if b"application/http" not in outer or len(words) < 2:
        raise invalid("batch", "each part must be application/http")
    name = _headers(outer.decode().split("\n")).get("content-id", "").strip("<> ")
    return Call(id=name, method=words[0], target=words[1], headers=_headers(rest), body=body)


def _headers(lines: Sequence[str]) -> dict[str, str]:
    pairs = [line.partition(":") for line in lines if ":" in line]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
