"""eBay's answers as the four errors: {"errors": [{errorId, category, message, longMessage, parameters}]}."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after

__all__ = ["judge", "judge_token", "problem", "verdict"]

# sell_inventory: SKU, offer, group or entity is not there. sell_fulfillment 32100: "Invalid Order Id". Notification 195013, 195017.
_GONE = {"25701", "25702", "25705", "25710", "25713", "32100", "195013", "195017"}
# 25025 "Concurrent access ... try again later", 34922 "while previous refund is processing", 2001 too many calls.
_LATER = {"25001", "25025", "34922", "2001", "30500", "195000"}


def problem(payload: object) -> tuple[str, str]:
    """Return number and text of the first entry of `errors`; empty where there is none."""
    entries = payload.get("errors") if isinstance(payload, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            told = str(entry.get("longMessage") or entry.get("message") or "")
            named = [str(one.get("value")) for one in entry.get("parameters") or () if isinstance(one, Mapping)]
            return str(entry.get("errorId") or ""), " ".join((told, *(f"({one})" for one in named if one not in told)))
    return "", ""


def verdict(code: str, status: int) -> str:
    """Say what a refusal means: "gone", "later", "person" or "refused"."""
    if code in _GONE:
        return "gone"
    if code in _LATER or status == 429 or status >= 500:
        return "later"
    return "person" if status in {401, 403} else "refused"


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    code, told = problem(_decoded(response.content))
    if not code:
        return _not_ebay(request, response)
    what, kind = f"{request.op}: {told}", verdict(code, response.status)
    if kind == "gone":
        return Gone(what, code=code, next_step="it was deleted at eBay; `bridge link` shows what is linked to it")
    if kind == "later":
        after = retry_after(response.headers, response.at)
        return TryLater(what, code=code, after=after, maybe_applied=response.status >= 500)
    if kind == "person":
        return NeedsPerson(what, code=code, next_step=_for_person(code))
    return Refused(what, code=code, next_step="mend it in Seller Hub or at its source, then `bridge retry`")


def judge_token(request: Request, response: Response) -> BridgeError | None:
    """Judge the token endpoint, whose refusals are {"error", "error_description"}: only a person mends a consent."""
    payload = _decoded(response.content)
    if response.status not in {400, 401} or not isinstance(payload, Mapping):
        return judge(request, response)
    code = str(payload.get("error") or response.status)
    step = "check `client_id`, `client_secret` and `url`" if code == "invalid_client" else _CONSENT
    return NeedsPerson(f"{request.op}: {payload.get('error_description') or code}", code=code, next_step=step)


_CONSENT = "have the seller consent again, and put the new token into the channel's `refresh_token`"


def _not_ebay(request: Request, response: Response) -> BridgeError | None:
    if response.status in {404, 405}:
        # eBay numbers its refusals; whoever says "not found" without one is somebody else.
        what = f"{request.op}: there is no eBay API at this address (HTTP {response.status})"
        step = "leave the channel's `url` out, or set it to https://api.ebay.com"
        return NeedsPerson(what, code=str(response.status), next_step=step)
    return default_judge(request, response)


def _for_person(code: str) -> str:
    if code == "1100":
        return "the consent lacks a scope: `bridge check` names it; have the seller consent again with it"
    return f"eBay refused the token; {_CONSENT}"


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
