"""Etsy's answers as the four errors: {"error": ...}, some with `error_description`."""

from bridge.contract.errors import BridgeError, Refused
from bridge.wire.http import Request, Response, default_judge
from bridge.wire.judging import error_of, judge_grants, kind_of
from bridge.wire.payload import decoded

__all__ = ["is_about_zero", "judge", "judge_token"]

# What Etsy says to an inventory that leaves nothing to buy (etsy/open-api issues 395, 501, 560).
NO_ZERO = "must have quantity greater than 0"
_AGAIN = "give the app access to the shop again"
_STEPS = {
    "insufficient_scope": f"{_AGAIN} with all scopes that the connector's README names",
    "person": "check the channel's `refresh_token` and `shop_id` with `bridge check`",
    "refused": "mend it on Etsy or at its source, then `bridge retry`",
}

judge_token = judge_grants({"": f"{_AGAIN}, and set the channel's `refresh_token` (see the connector's README)"})


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    told = decoded(response.content)
    error = told.get("error")
    kind = kind_of(response.status)
    if response.status < 300 or not isinstance(error, str) or not error or kind == "gone" or response.status >= 500:
        return default_judge(request, response)
    step = _STEPS.get(error) or _STEPS.get(kind, "")
    if kind == "person" and "api key" in error.lower():
        step = "check the channel's `keystring` and `shared_secret` (etsy.com/developers/your-apps)"
    code = error[:40] if kind == "person" else str(response.status)
    more = f": {told['error_description']}" if told.get("error_description") else ""
    return error_of(kind, f"{request.op}: {error}{more}", response, code=code, step=step)


def is_about_zero(error: Refused) -> bool:
    """Tell whether Etsy refused an inventory because nothing would be left to buy."""
    return NO_ZERO in error.what
