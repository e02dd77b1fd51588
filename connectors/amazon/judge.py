"""Amazon's answers as the four errors: {"errors": [{code, message, details}]}, and OAuth's own from the token service."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after, snippet

__all__ = ["is_stale", "judge", "judge_queue", "judge_token"]

_CREDENTIALS = "check `client_id`, `client_secret` and `refresh_token`, then `bridge check`"
_ROLES = (
    "give the application the role it lacks and authorise it again (Seller Central > Develop Apps), then `bridge check`"
)


def is_stale(response: Response) -> bool:
    """Tell whether another access token could help: Amazon says 403 both of a spoiled token and of a missing role."""
    return response.status in {401, 403} and b"access token you provided" in response.content.lower()


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    if "://" in request.path and response.status in {400, 403, 404}:
        # The address of a document is good for five minutes.
        return TryLater(
            f"{request.op}: the address that Amazon gave for the document is good no more", code=str(response.status)
        )
    first = _first(response.content)
    if first is None:
        return _not_amazon(request, response)
    what = f"{request.op}: {first.get('message') or first.get('code')} {first.get('details') or ''}".rstrip()
    return _error(what, str(first.get("code") or ""), response)


def judge_token(request: Request, response: Response) -> BridgeError | None:
    """Judge an answer of the token service (RFC 6749, 5.2)."""
    body = _decoded(response.content)
    code = str(body.get("error") or "") if isinstance(body, Mapping) else ""
    if response.status < 400 or not code or response.status >= 429:
        return default_judge(request, response)
    step = _CREDENTIALS
    if code == "invalid_grant":
        step = "authorise the application again and set the new `refresh_token`: the seller took it back, or a year has passed"
    return NeedsPerson(f"{request.op}: {body.get('error_description') or code}", code=code, next_step=step)


def judge_queue(request: Request, response: Response) -> BridgeError | None:
    """Judge an answer of SQS: {"__type": "...#Code", "message"}."""
    body = _decoded(response.content)
    kind = str(body.get("__type") or "") if isinstance(body, Mapping) else ""
    code = kind.rpartition("#")[2]
    if response.status < 300 or not code or response.status >= 429:
        return default_judge(request, response)
    if "Throttl" in code:
        return TryLater(f"{request.op}: {code}", code=code)
    what = f"{request.op}: {code}: {body.get('message') or snippet(response.content)}"
    step = "check `queue_url` and the AWS key: it needs sqs:ReceiveMessage and sqs:DeleteMessage on that queue"
    return NeedsPerson(what, code=code, next_step=step)


def _not_amazon(request: Request, response: Response) -> BridgeError | None:
    if response.status in {404, 405}:
        return NeedsPerson(
            f"{request.op}: there is no Selling Partner API at this address (HTTP {response.status})",
            code=str(response.status),
            next_step="set the channel's `url` to the endpoint of your region, such as https://sellingpartnerapi-na.amazon.com",
        )
    return default_judge(request, response)


def _error(what: str, code: str, response: Response) -> BridgeError:
    status = response.status
    if status == 429:
        return TryLater(what, code=code, after=_wait(response))
    if status in {401, 403}:
        return NeedsPerson(what, code=code, next_step=_CREDENTIALS if is_stale(response) else _ROLES)
    if status in {404, 410}:
        return Gone(what, code=code, next_step="it is no more at Amazon; `bridge link` shows what is linked to it")
    if status >= 500 or status == 408:
        return TryLater(what, code=code, after=retry_after(response.headers, response.at), maybe_applied=True)
    return Refused(what, code=code, next_step="mend it in Seller Central or at its source, then `bridge retry`")


def _wait(response: Response) -> float | None:
    """Amazon names no time to wait, but (where it does) the rate: one call comes free after its inverse."""
    named = retry_after(response.headers, response.at)
    try:
        rate = float(response.headers.get("x-amzn-ratelimit-limit", ""))
    except ValueError:
        return named
    return named if named is not None or rate <= 0 else 1 / rate


def _first(content: bytes) -> Mapping[str, Any] | None:
    body = _decoded(content)
    errors = body.get("errors") if isinstance(body, Mapping) else None
    found = errors[0] if isinstance(errors, list) and errors else None
    return found if isinstance(found, Mapping) else None


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
