"""Google's answers as the four errors: {"error": {code, message, status, details}}, google.rpc.Status over HTTP."""

from collections.abc import Mapping
from typing import Any

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after
from bridge.wire.payload import decoded

__all__ = ["STALE", "judge", "verdict"]

# "If the operation is prevented, the aborted exception will be thrown" (ProductInput.versionNumber).
STALE = "ABORTED"
_LATER = {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "UNKNOWN"}


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    body = decoded(response.content)
    error = body.get("error")
    if isinstance(error, str):
        # The token service answers {"error": "invalid_grant", "error_description": ...} (RFC 6749, 5.2).
        return _no_token(request, error, str(body.get("error_description") or ""), response)
    if not isinstance(error, Mapping):
        return _not_google(request, response)
    found = verdict(request.op, response.status, error)
    if isinstance(found, TryLater):
        found.after = retry_after(response.headers, response.at)
    return found


def verdict(op: str, status: int, error: Mapping[str, Any]) -> BridgeError:
    """Judge one error, of a call or of a call within a batch."""
    word, what = str(error.get("status") or status), f"{op}: {error.get('message') or 'no reason given'}"
    if status == 429 or word == "RESOURCE_EXHAUSTED":
        return TryLater(what, code=word)
    if status >= 500 or word in _LATER:
        return TryLater(what, code=word, maybe_applied=True)
    if status == 401 or word == "UNAUTHENTICATED":
        return NeedsPerson(what, code=word, next_step="check the channel's `service_account` with `bridge check`")
    if status == 403 or word == "PERMISSION_DENIED":
        return NeedsPerson(what, code=word, next_step=_permission(what))
    if status == 404 or word == "NOT_FOUND":
        return Gone(what, code=word, next_step="`bridge link` shows what is linked to it")
    return Refused(what, code=word, next_step="mend it in Merchant Center or at its source, then `bridge retry`")


def _permission(what: str) -> str:
    if "regist" in what.lower():
        return "register the Google Cloud project with the account once (registerGcp; see the connector's README)"
    return "add the service account's address to Merchant Center's users with Standard access, then `bridge check`"


def _no_token(request: Request, error: str, told: str, response: Response) -> BridgeError:
    if response.status >= 500:
        return TryLater(f"{request.op}: {told or error}", code=error, maybe_applied=True)
    step = "make a new key for the service account and put it into the channel's `service_account`"
    return NeedsPerson(f"{request.op}: {told or error}", code=error, next_step=step)


def _not_google(request: Request, response: Response) -> BridgeError | None:
    if response.status in {404, 405}:
        return NeedsPerson(
            f"{request.op}: there is no Merchant API at this address (HTTP {response.status})",
            code=str(response.status),
            next_step="leave the channel's `url` out",
        )
    return default_judge(request, response)
