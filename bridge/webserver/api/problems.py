"""Errors as answers: application/problem+json (RFC 9457) that says what, where, and what to do next."""

import re
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from bridge.app.errors import AppError, Missing
from bridge.app.loyal_serving import Unreadable
from bridge.app.serving import BadCursor, KeyTaken
from bridge.store.errors import StoreError

__all__ = ["Problem", "ProblemBody", "problem_of"]


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller is told: `detail` says what, `where` where, `next` what to do about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    where: str
    next: str


@dataclass(slots=True)
class Problem(Exception):
    """A call that is not done."""

    status: int
    what: str
    where: str
    next_step: str
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self) -> Response:
        """Write it as an answer."""
        body = ProblemBody(
            title=HTTPStatus(self.status).phrase, status=self.status, detail=self.what, where=self.where, next=self.next_step
        )  # fmt: skip
        return Response(
            msgspec.json.encode(body), self.status, headers=self.headers, media_type="application/problem+json"
        )


_AT_A_SHELL = re.compile(r"`bridge |--[a-z]|\bconfig\b|`?\[[a-z]+\]")


def problem_of(error: AppError | StoreError, where: str) -> Problem:
    """Say as an answer what the App could not do."""
    if isinstance(error, StoreError):
        return Problem(503, error.what, where, _step(error.next_step or "try again later"), {"retry-after": "10"})
    status = 409
    if isinstance(error, Missing):
        status = 404
    elif isinstance(error, KeyTaken | BadCursor | Unreadable):
        status = 422
    return Problem(status, error.what, error.where or where, _step(error.next_step))


def _step(text: str) -> str:
    """A till's program can run no command and edit no config: such a step is for somebody else."""
    return f"for whoever runs the bridge: {text}" if _AT_A_SHELL.search(text) else text
