"""Many calls in one: the multipart/mixed form of developers.google.com/merchant/api/guides/send-multiple-requests. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

import msgspec

from bridge.wire.payload import Payload, decoded

__all__ = ["BOUNDARY", "Part", "Piece", "pack", "unpack"]

BOUNDARY = "bridge_batch"
_NUMBER = re.compile(r"(\d+)>?\s*\Z")
_STATUS = re.compile(rb"HTTP/[\d.]+ (\d{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One call within: its address without the host, and its body."""

    method: str
    path: str
    body: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The answer to one of them."""

    status: int
    body: Payload


def pack(pieces: Sequence[Piece]) -> bytes:
    """Write them down, numbered from 1. JSON has no line breaks of its own, so none of them can hold the boundary's line."""
    return b"".join(_piece(number, piece) for number, piece in enumerate(pieces, 1)) + f"--{BOUNDARY}--\r\n".encode()


def unpack(content_type: str, content: bytes, count: int) -> list[Part | None]:
    """Read the answers, each in the place of its call whatever their order; None where one is missing."""
    found: list[Part | None] = [None] * count
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + content)
    for part in whole.iter_parts():
        number = _NUMBER.search(str(part.get("content-id", "")))
        if number and 1 <= int(number[1]) <= count:
            found[int(number[1]) - 1] = _answer(part.get_payload(decode=True))
    return found


def _piece(number: int, piece: Piece) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n"
    body = msgspec.json.encode(piece.body) if piece.body is not None else b""
    kind = "Content-Type: application/json\r\n" if body else ""
    return f"{head}{piece.method} {piece.path} HTTP/1.1\r\n{kind}\r\n".encode() + body + b"\r\n"


def _answer(raw: object) -> Part | None:
    text = raw if isinstance(raw, bytes) else b""
    status = _STATUS.match(text)
    head, _, body = text.partition(b"\r\n\r\n") if b"\r\n\r\n" in text else text.partition(b"\n\n")
    return Part(status=int(status[1]), body=decoded(body)) if status and head else None
