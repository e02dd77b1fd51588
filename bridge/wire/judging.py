"""Judging refusals: what an HTTP status means where the platform's own code does not say more, and the token services' form of it."""

from collections.abc import Mapping
from typing import Any, Literal

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Judge, Request, Response, retry_after, stranger
from bridge.wire.payload import decoded

__all__ = ["Kind", "error_of", "judge_grants", "kind_of", "problem_in"]

Kind = Literal["later", "person", "gone", "refused"]


def kind_of(status: int) -> Kind:
    """Say which of the four errors a refusal with this HTTP status is."""
    if status in {408, 429} or status >= 500:
        return "later"
    if status in {401, 403}:
        return "person"
    return "gone" if status in {404, 410} else "refused"


def error_of(
    kind: Kind, what: str, response: Response, *, code: str = "", step: str = "", after: float | None = None
) -> BridgeError:
    """Make that error of an answer. `after`: how long to wait in seconds, where the platform says so by other means than Retry-After.

    A server that failed (5xx, 408) may have done what it was asked for; one that has too much to do (429) has not.
    """
    if kind == "later":
        wait = retry_after(response.headers, response.at) if after is None else after
        unsure = response.status >= 500 or response.status == 408
        return TryLater(what, code=code, after=wait, maybe_applied=unsure)
    lasting = {"person": NeedsPerson, "gone": Gone, "refused": Refused}
    return lasting[kind](what, code=code, next_step=step)


def problem_in(content: bytes, name: str = "errors") -> Mapping[str, Any]:
    """Return the first entry of an answer's list of errors, empty where it has none: then it is somebody else's answer."""
    errors = decoded(content).get(name)
    entries = errors if isinstance(errors, list) else []
    return next((one for one in entries if isinstance(one, Mapping)), {})


def judge_grants(steps: Mapping[str, str], setting: str = "url") -> Judge:
    """Return the judge of a token service (RFC 6749, 5.2): only a person mends a grant or a client that it refuses.

    `steps` says what to do by the service's code ("invalid_grant"); "" is for all other codes. `setting` is that of the service's
    address.
    """

    def judge(request: Request, response: Response) -> BridgeError | None:
        body = decoded(response.content)
        code = str(body.get("error") or "")
        if not 400 <= response.status < 429 or not code:
            return stranger(request, response, "token service", f"leave the channel's `{setting}` out")
        what = f"{request.op}: {body.get('error_description') or code}"
        return NeedsPerson(what, code=code, next_step=steps.get(code) or steps[""])

    return judge
