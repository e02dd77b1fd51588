"""What an answer of the Admin GraphQL API means: success, or one of the four errors.

Most failures come as HTTP 200 with an `errors` list. Every reply also carries the rate limiter's state, which is handed
to the budget here, so that throttled replies teach it too.
"""

import re
from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, NeedsPerson, Refused, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Request, Response, default_judge, snippet

__all__ = ["Judge", "judge_token"]

# Fields that Shopify withholds from apps without access to protected customer data; an order without them still counts.
_PERSONAL = frozenset({
    "customer", "email", "phone", "shippingAddress", "defaultEmailAddress", "defaultPhoneNumber",
})  # fmt: skip
_SHOP_STATES = {
    402: "the shop is frozen: its bill is not paid",
    403: "the app may not use this shop",
    404: "there is no shop at this address, or it was closed",
    423: "the shop is locked",
}


class _Throttle(msgspec.Struct):
    maximumAvailable: float  # noqa: N815
    currentlyAvailable: float  # noqa: N815
    restoreRate: float  # noqa: N815


class _Cost(msgspec.Struct):
    requestedQueryCost: float | None = None  # noqa: N815
    throttleStatus: _Throttle | None = None  # noqa: N815


class _Extensions(msgspec.Struct):
    cost: _Cost | None = None


class _Error(msgspec.Struct):
    message: str = ""
    path: list[str | int] | None = None
    extensions: dict[str, Any] = {}

    @property
    def code(self) -> str:
        return str(self.extensions.get("code", ""))


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[_Error] = []
    extensions: _Extensions | None = None


class Judge:
    """Judges answers and keeps the channel's budget informed."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def __call__(self, request: Request, response: Response) -> BridgeError | None:
        """Return the error an answer is, None for a success."""
        if response.status != 200:
            return _by_status(request, response)
        try:
            envelope = msgspec.json.decode(response.content, type=_Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _not_graphql(request, response)
        cost = envelope.extensions.cost if envelope.extensions else None
        if cost and cost.throttleStatus:
            seen = cost.throttleStatus
            self._budget.learn(
                available=seen.currentlyAvailable, capacity=seen.maximumAvailable, per_second=seen.restoreRate
            )
        serious = [error for error in envelope.errors if not _withheld(error, bytes(envelope.data))]
        return _by_code(request, serious[0], cost) if serious else None


def judge_token(request: Request, response: Response) -> BridgeError | None:
    """Say what an answer of the token endpoint is: a refusal there is always about the app's credentials."""
    if 400 <= response.status < 500 and response.status != 429:
        return NeedsPerson(
            f"{request.op}: Shopify does not accept the app's client id and secret: {snippet(response.content)}",
            code=str(response.status),
            next_step="check client_id and client_secret, and that the app is installed on this shop",
        )
    return default_judge(request, response)


def _by_status(request: Request, response: Response) -> BridgeError | None:
    if response.status in _SHOP_STATES:
        return NeedsPerson(
            f"{request.op}: {_SHOP_STATES[response.status]}: {snippet(response.content)}",
            code=str(response.status),
            next_step="check `shop` in the channel's settings, and the shop's state in its admin",
        )
    if response.status == 401:
        return NeedsPerson(
            f"{request.op}: Shopify does not accept the access token: {snippet(response.content)}",
            code="401",
            next_step="copy `access_token` again, or make a new one in the app's settings in the shop's admin",
        )
    error = default_judge(request, response)
    # Shopify promises nowhere that a throttled call was not carried out, so a write without a key is not repeated. One
    # with a key is, but when its attempts run out nobody knows either: planned anew with another key it would count twice.
    if isinstance(error, TryLater):
        error.maybe_applied = True
    return error


def _not_graphql(request: Request, response: Response) -> BridgeError:
    return TryLater(
        f"{request.op}: the shop answered something that is no GraphQL answer: {snippet(response.content)}",
        maybe_applied=True,
        next_step="open the shop's address in a browser: is it the shop itself, and is it open?",
    )


def _withheld(error: _Error, data: bytes) -> bool:
    return error.code == "ACCESS_DENIED" and data != b"null" and not _PERSONAL.isdisjoint(map(str, error.path or ()))


def _by_code(request: Request, error: _Error, cost: _Cost | None) -> BridgeError:
    text = f"{request.op}: {' '.join(error.message.split())}"
    if error.code == "THROTTLED":
        return TryLater(text, code=error.code, after=_wait(cost), maybe_applied=True)
    if error.code == "INTERNAL_SERVER_ERROR":
        return TryLater(text, code=error.code, maybe_applied=True)
    if error.code in {"ACCESS_DENIED", "SHOP_INACTIVE"}:
        return NeedsPerson(text, code=error.code, next_step=_next_step(error))
    if error.code == "MAX_COST_EXCEEDED":
        return Refused(text, code=error.code, next_step="this is a bug in the Shopify connector: please report it")
    return Refused(text, code=error.code, next_step="report this: Shopify did not take the connector's own query")


def _wait(cost: _Cost | None) -> float | None:
    if cost is None or cost.throttleStatus is None or cost.requestedQueryCost is None:
        return None
    seen = cost.throttleStatus
    missing = max(0.0, cost.requestedQueryCost - seen.currentlyAvailable)
    return missing / seen.restoreRate if seen.restoreRate else None


def _next_step(error: _Error) -> str:
    if error.code == "SHOP_INACTIVE":
        return "open the shop's admin: is the shop paused or closed?"
    text = f"{error.extensions.get('requiredAccess', '')} {error.message}"
    scopes = dict.fromkeys(re.findall(r"`((?:read|write)_[a-z_]+)`", text))
    if not scopes:
        return "give the app access to protected customer data, or the missing scope, in its settings"
    return f"add the access scope {' or '.join(scopes)} to the app, then install it again"
