"""The Graph API's answers as the four errors: {"error": {message, type, code, error_subcode, fbtrace_id}}."""

from collections.abc import Mapping

import msgspec

from bridge.contract.errors import BridgeError, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge
from bridge.wire.payload import decoded

__all__ = ["judge"]

# developers.facebook.com/docs/graph-api/overview/rate-limiting: app, user, page, custom; 80004 ads, 80009 catalog management,
# 80014 catalog batch.
_LIMITS = {4, 17, 32, 613, 80004, 80009, 80014}
# "An unknown error occurred", "Service temporarily unavailable" (docs/graph-api/guides/error-handling).
_PASSING = {1, 2}
_TOKEN = {102, 104, 190, 463, 467}
# No permission (10, 200-299), no such capability (3), blocked for policy (368).
_PERMISSION = {3, 10, 368, *range(200, 300)}
_NO_SUCH_OBJECT = 33


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    error = decoded(response.content).get("error")
    if not isinstance(error, Mapping):
        return _not_meta(request, response)
    code, what = int(error.get("code") or 0), f"{request.op}: {error.get('message') or 'no reason given'}"
    if code in _LIMITS or response.status == 429:
        return TryLater(what, code=str(code), after=_wait(response.headers))
    if code in _PASSING or error.get("is_transient") or response.status >= 500:
        return TryLater(what, code=str(code), maybe_applied=True)
    return _lasting(what, code, error.get("error_subcode"))


def _lasting(what: str, code: int, subcode: object) -> BridgeError:
    if code in _TOKEN:
        step = "make a new system-user token and put it into the channel's `access_token`"
        return NeedsPerson(what, code=str(code), next_step=step)
    if code in _PERMISSION:
        step = "give the system user the catalogue (Manage catalogue) and the token catalog_management, then `bridge check`"
        return NeedsPerson(what, code=str(code), next_step=step)
    if subcode == _NO_SUCH_OBJECT or code == 803:
        return NeedsPerson(
            what, code=str(code), next_step="check the channel's `catalog_id` and what the token may see"
        )
    if "appsecret_proof" in what:
        return NeedsPerson(what, code=str(code), next_step="set the channel's `app_secret` to that of the token's app")
    return Refused(what, code=str(code), next_step="mend it in Commerce Manager or at its source, then `bridge retry`")


def _not_meta(request: Request, response: Response) -> BridgeError | None:
    if response.status in {404, 405}:
        return NeedsPerson(
            f"{request.op}: there is no Graph API at this address (HTTP {response.status})",
            code=str(response.status),
            next_step="leave the channel's `url` out",
        )
    return default_judge(request, response)


def _wait(headers: Mapping[str, str]) -> float | None:
    """Read the longest estimated_time_to_regain_access of X-Business-Use-Case-Usage, which is in minutes."""
    try:
        usage = msgspec.json.decode(headers.get("x-business-use-case-usage", "{}"))
        minutes = [float(one.get("estimated_time_to_regain_access") or 0) for rows in usage.values() for one in rows]
    except (msgspec.DecodeError, AttributeError, TypeError, ValueError):
        return None
    return max(minutes, default=0.0) * 60 or None
