"""Pinterest's answers as the four errors: {"code", "message"} under an HTTP status."""

from collections.abc import Mapping

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after
from bridge.wire.payload import decoded

__all__ = ["judge"]

# Examples of the API description 5.23.0: no batch of that id; no catalogue yet.
_NO_BATCH, _NO_CATALOG = 4331, {4180, 4182}


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    body = decoded(response.content)
    if not isinstance(body.get("code"), int):
        return _not_pinterest(request, response)
    code, what = int(body["code"]), f"{request.op}: {body.get('message') or 'no reason given'}"
    if response.status == 429:
        return TryLater(what, code=str(code), after=_wait(response))
    if response.status >= 500:
        return TryLater(what, code=str(code), after=retry_after(response.headers, response.at), maybe_applied=True)
    return _lasting(what, code, response.status)


def _lasting(what: str, code: int, status: int) -> BridgeError:
    if status == 401:
        step = "make a new refresh token (see the connector's README) and put it into the channel's `refresh_token`"
        return NeedsPerson(what, code=str(code), next_step=step)
    if status == 403:
        step = "give the app catalogs:read and catalogs:write and the user the catalogue, then `bridge check`"
        return NeedsPerson(what, code=str(code), next_step=step)
    if code in _NO_CATALOG:
        return NeedsPerson(what, code=str(code), next_step="check the channel's `catalog_id`")
    if code == _NO_BATCH:
        return Gone(what, code=str(code))
    if status == 404:
        return NeedsPerson(what, code=str(code), next_step="leave the channel's `url` out")
    return Refused(what, code=str(code), next_step="mend it at its source, then `bridge retry`")


def _not_pinterest(request: Request, response: Response) -> BridgeError | None:
    if response.status in {404, 405}:
        return NeedsPerson(
            f"{request.op}: there is no Pinterest API at this address (HTTP {response.status})",
            code=str(response.status),
            next_step="leave the channel's `url` out",
        )
    return default_judge(request, response)


def _wait(response: Response) -> float | None:
    """Read x-ratelimit-reset, which is in seconds; Retry-After where that is missing."""
    return retry_after({"retry-after": _named(response.headers)}, response.at)


def _named(headers: Mapping[str, str]) -> str:
    return headers.get("x-ratelimit-reset", "") or headers.get("retry-after", "")
