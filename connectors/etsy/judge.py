"""Etsy's answers as the four errors: {"error": ...}, with `error_description` where a token is concerned."""

from collections.abc import Mapping

import msgspec

from bridge.contract.errors import BridgeError, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after

__all__ = ["GRANT", "NO_ZERO", "is_about_zero", "judge"]

# The token service's word for a refresh token that is used up, expired or revoked.
GRANT = "invalid_grant"
# What Etsy says to an inventory that leaves nothing to buy (etsy/open-api issues 395, 501, 560).
NO_ZERO = "must have quantity greater than 0"


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    error, said = _said(response.content)
    if response.status < 300 or not error:
        return default_judge(request, response)
    what = f"{request.op}: {said}"
    if response.status == 429:
        return TryLater(what, code="429", after=retry_after(response.headers, response.at))
    if error in {GRANT, "invalid_client"}:
        step = (
            "give the app access to the shop again, and set the channel's `refresh_token` (see the connector's README)"
        )
        return NeedsPerson(what, code=error, next_step=step)
    if response.status in {401, 403}:
        return NeedsPerson(what, code=error[:40], next_step=_step(error))
    if response.status in {400, 409, 422}:
        return Refused(
            what, code=str(response.status), next_step="mend it on Etsy or at its source, then `bridge retry`"
        )
    return default_judge(request, response)


def is_about_zero(error: BridgeError) -> bool:
    """Tell whether Etsy refused an inventory because nothing would be left to buy."""
    return NO_ZERO in error.what


def _step(error: str) -> str:
    if "api key" in error.lower():
        return "check the channel's `keystring` and `shared_secret` (etsy.com/developers/your-apps)"
    if error == "insufficient_scope":
        return "give the app access to the shop again with all scopes that the connector's README names"
    return "check the channel's `refresh_token` and `shop_id` with `bridge check`"


def _said(content: bytes) -> tuple[str, str]:
    """Return Etsy's error and all it says about it; nothing where the answer is not Etsy's."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ("", "")
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, str) or not error:
        return ("", "")
    more = body.get("error_description")
    return error, f"{error}: {more}" if isinstance(more, str) and more else error
