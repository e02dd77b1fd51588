"""Square's answers as the four errors: {"errors": [{category, code, detail, field}]}."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after

__all__ = ["STALE", "Problem", "Problems", "judge", "problems_in", "problems_of"]

STALE = "VERSION_MISMATCH"
_PERSON = {"AUTHENTICATION_ERROR", "MERCHANT_SUBSCRIPTION_ERROR"}
_VERSION = {"INVALID_SQUARE_VERSION_FORMAT", "API_VERSION_INCOMPATIBLE"}
# The catalog answers VERSION_MISMATCH (400), orders answer CONFLICT (409) or VERSION_MISMATCH by API version.
_STALE = {STALE, "CONFLICT"}
_GONE = {"NOT_FOUND", "GONE"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of Square's `errors`."""

    category: str
    code: str
    detail: str
    field: str

    @property
    def stale(self) -> bool:
        """Tell whether the object was changed since it was read."""
        return self.code in _STALE

    def __str__(self) -> str:
        place = f" (field {self.field})" if self.field else ""
        return f"{self.detail or self.code}{place}"


class Problems(Exception):
    """All entries of one answer: the cause of the error that was raised for it."""

    def __init__(self, items: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, items)))
        self.items = items


def problems_in(payload: object) -> tuple[Problem, ...]:
    """Read the `errors` of a decoded answer; empty where there are none."""
    entries = payload.get("errors") if isinstance(payload, Mapping) else None
    return tuple(_problem(entry) for entry in entries or () if isinstance(entry, Mapping))


def problems_of(error: BridgeError) -> tuple[Problem, ...]:
    """Return Square's own entries behind an error; empty where it came from elsewhere."""
    return error.__cause__.items if isinstance(error.__cause__, Problems) else ()


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    problems = problems_in(_decoded(response.content))
    if not problems:
        return _not_square(request, response)
    error = _error(request, response, problems)
    error.__cause__ = Problems(problems)
    return error


def _not_square(request: Request, response: Response) -> BridgeError | None:
    """Judge an answer without Square's `errors`: a proxy's, or one of an address that is not Square's."""
    if response.status in {404, 405}:
        # Square names what is not found; whoever says it without words is somebody else.
        return NeedsPerson(
            f"{request.op}: there is no Square API at this address (HTTP {response.status})",
            code=str(response.status),
            next_step="leave the channel's `url` out, or set it to https://connect.squareup.com",
        )
    return default_judge(request, response)


def _error(request: Request, response: Response, problems: tuple[Problem, ...]) -> BridgeError:
    first, status = problems[0], response.status
    what = f"{request.op}: {'; '.join(map(str, problems[:3]))}"
    codes = {problem.code for problem in problems}
    if first.category == "RATE_LIMIT_ERROR" or status == 429:
        return TryLater(what, code=first.code, after=retry_after(response.headers, response.at))
    if first.category in _PERSON or status in {401, 403}:
        return NeedsPerson(what, code=first.code, next_step=_for_person(first))
    if codes & _VERSION:
        return NeedsPerson(what, code=first.code, next_step="correct the channel's `version` setting")
    if status >= 500 or status == 408:
        after = retry_after(response.headers, response.at)
        return TryLater(what, code=first.code, after=after, maybe_applied=True)
    return _about_the_item(what, codes, first.code, status)


def _about_the_item(what: str, codes: set[str], code: str, status: int) -> BridgeError:
    if codes & _STALE or status == 409:
        return Refused(what, code=STALE, next_step="it is read and planned again by the next `bridge sync`")
    if codes & _GONE or status in {404, 410}:
        return Gone(what, code=code, next_step="it was deleted at Square; `bridge link` shows what is linked to it")
    return Refused(what, code=code, next_step="mend it in Square or at its source, then `bridge retry`")


def _for_person(problem: Problem) -> str:
    if problem.code == "INSUFFICIENT_SCOPES":
        return "give the Square application the missing permission, then `bridge check`"
    if problem.category == "MERCHANT_SUBSCRIPTION_ERROR":
        return "this needs a Square subscription that the seller does not have: see the Square Dashboard"
    return "check the channel's `access_token`, and that `url` is the one it was made for, with `bridge check`"


def _decoded(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _problem(entry: Mapping[str, Any]) -> Problem:
    names = ("category", "code", "detail", "field")
    return Problem(*(str(entry.get(name) or "") for name in names))
