"""eBay's answers as the four errors: {"errors": [{errorId, category, message, longMessage, parameters}]}."""

from collections.abc import Mapping

from bridge.contract.errors import BridgeError
from bridge.wire.http import Request, Response, stranger
from bridge.wire.judging import Kind, error_of, judge_grants, kind_of
from bridge.wire.payload import Payload, decoded

__all__ = ["NO_SCOPE", "judge", "judge_token", "problem", "verdict"]

# sell_inventory: SKU, offer, group or entity is not there. sell_fulfillment 32100: "Invalid Order Id". Notification 195013, 195017.
_GONE = {"25701", "25702", "25705", "25710", "25713", "32100", "195013", "195017"}
# 25025 "Concurrent access ... try again later", 34922 "while previous refund is processing", 2001 too many calls.
_LATER = {"25001", "25025", "34922", "2001", "30500", "195000"}
NO_SCOPE = "1100"
_CONSENT = "have the seller consent again, and put the new token into the channel's `refresh_token`"
_STEPS: Mapping[Kind, str] = {
    "gone": "it was deleted at eBay; `bridge link` shows what is linked to it",
    "person": f"eBay refused the token; {_CONSENT}",
    "refused": "mend it in Seller Hub or at its source, then `bridge retry`",
}

judge_token = judge_grants({"invalid_client": "check `client_id`, `client_secret` and `url`", "": _CONSENT})


def problem(payload: Payload) -> tuple[str, str]:
    """Return number and text of the first entry of `errors`; empty where there is none."""
    entries = payload.get("errors")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            told = str(entry.get("longMessage") or entry.get("message") or "")
            named = [str(one.get("value")) for one in entry.get("parameters") or () if isinstance(one, Mapping)]
            return str(entry.get("errorId") or ""), " ".join((told, *(f"({one})" for one in named if one not in told)))
    return "", ""


def verdict(code: str, status: int) -> Kind:
    """Say what a refusal means. eBay's number says what is gone; an HTTP status of 404 alone may be about anything."""
    if code in _GONE:
        return "gone"
    kind = "later" if code in _LATER else kind_of(status)
    return "refused" if kind == "gone" else kind


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    code, told = problem(decoded(response.content))
    if not code:
        # eBay numbers its refusals; whoever says "not found" without one is somebody else.
        step = "leave the channel's `url` out, or set it to https://api.ebay.com"
        return stranger(request, response, "eBay API", step)
    kind, step = verdict(code, response.status), ""
    if code == NO_SCOPE:
        step = "the consent lacks a scope: `bridge check` names it; have the seller consent again with it"
    return error_of(kind, f"{request.op}: {told}", response, code=code, step=step or _STEPS.get(kind, ""))
