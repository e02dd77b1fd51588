"""Amazon's answers as the four errors, {"errors": [{code, message, details}]}, and the issues of what was submitted."""

from collections.abc import Mapping

from bridge.contract.errors import BridgeError, TryLater
from bridge.wire.http import Request, Response, default_judge, retry_after, stranger
from bridge.wire.judging import Kind, error_of, judge_grants, kind_of, problem_in
from bridge.wire.payload import Payload, names, rows, text

__all__ = ["errors_of", "is_stale", "judge", "judge_document", "judge_token", "said"]

_CREDENTIALS = "check `client_id`, `client_secret` and `refresh_token`, then `bridge check`"
_AGAIN = (
    "authorise the application again and set the new `refresh_token`: the seller took it back, or a year has passed"
)
_STEPS: Mapping[Kind, str] = {
    "person": "give the application the role it lacks and authorise it again (Seller Central > Develop Apps), then `bridge check`",
    "gone": "it is no more at Amazon; `bridge link` shows what is linked to it",
    "refused": "mend it in Seller Central or at its source, then `bridge retry`",
}
_REGION = "set the channel's `url` to the endpoint of your region, such as https://sellingpartnerapi-na.amazon.com"

judge_token = judge_grants({"invalid_grant": _AGAIN, "": _CREDENTIALS}, setting="login_url")


def is_stale(response: Response) -> bool:
    """Tell whether another access token could help: Amazon says 403 both of a spoiled token and of a missing role."""
    return response.status in {401, 403} and b"access token you provided" in response.content.lower()


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    first = problem_in(response.content)
    if not first:
        return stranger(request, response, "Selling Partner API", _REGION)
    what = f"{request.op}: {first.get('message') or first.get('code')} {first.get('details') or ''}".rstrip()
    kind = kind_of(response.status)
    step = _CREDENTIALS if is_stale(response) else _STEPS.get(kind, "")
    return error_of(kind, what, response, code=str(first.get("code") or ""), step=step, after=_wait(response))


def judge_document(request: Request, response: Response) -> BridgeError | None:
    """Judge an answer from the address of a document, which is good for five minutes."""
    if response.status in {400, 403, 404}:
        what = f"{request.op}: the address that Amazon gave for the document is good no more"
        return TryLater(what, code=str(response.status))
    return default_judge(request, response)


def errors_of(payload: Payload) -> list[Payload]:
    """Return the errors among the issues of a submission or a report."""
    return [one for one in rows(payload, "issues") if text(one, "severity") == "ERROR"]


def said(issue: Payload) -> str:
    """Return what an issue says, and of which attributes."""
    about = ", ".join(names(issue, "attributeNames"))
    return f"{text(issue, 'message') or 'Amazon finds it invalid'}{f' ({about})' if about else ''}"


def _wait(response: Response) -> float | None:
    """Amazon names no time to wait, but (where it does) the rate: one call comes free after its inverse."""
    named = retry_after(response.headers, response.at)
    try:
        rate = float(response.headers.get("x-amzn-ratelimit-limit", "")) if response.status == 429 else 0.0
    except ValueError:
        return named
    return named if named is not None or rate <= 0 else 1 / rate
