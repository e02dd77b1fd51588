"""The paths of the Webhook Subscriptions API and the Events API. Connect API specification 2025-08-20."""

from collections.abc import Awaitable

from bridge.sandbox.square.api import Call, Handler, Route, Routes
from bridge.sandbox.square.errors import SquareError
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import Json
from bridge.sandbox.square.webhook_subscriptions import event_types

__all__ = ["WEBHOOKS"]

MAX_KEY = 45
_ONE = "/v2/webhooks/subscriptions/"


def create(state: State, call: Call) -> Json:
    """CreateWebhookSubscription; the idempotency key is optional."""
    if call.body.get("idempotency_key") is None:
        return state.subscriptions.create(call.body, call.version)
    return state.replays.once(
        "webhook", call.body, MAX_KEY, lambda: state.subscriptions.create(call.body, call.version)
    )


def rotate(state: State, call: Call) -> Json:
    """UpdateWebhookSubscriptionSignatureKey; the idempotency key is optional."""
    if call.body.get("idempotency_key") is None:
        return state.subscriptions.rotate(call.part)
    endpoint = "webhook key " + call.part
    return state.replays.once(endpoint, call.body, MAX_KEY, lambda: state.subscriptions.rotate(call.part))


def _own(handler: Handler) -> Route:
    """Let only the application's personal access token through; the sentence is the one of developer forum 20074."""

    def guarded(state: State, call: Call) -> Json | Awaitable[Json]:
        if not state.options.personal:
            detail = (
                "The merchant has not given your application sufficient permissions to do that. The merchant must authorize "
                "your application for the following scopes: DEVELOPER_APPLICATION_WEBHOOKS"
            )
            raise SquareError(403, "AUTHENTICATION_ERROR", "INSUFFICIENT_SCOPES", detail)
        return handler(state, call)

    return Route(guarded, ())


WEBHOOKS = Routes(
    fixed={
        ("GET", "/v2/webhooks/event-types"): _own(lambda *_: event_types()),
        ("GET", "/v2/webhooks/subscriptions"): _own(lambda s, c: s.subscriptions.listing(c.query)),
        ("POST", "/v2/webhooks/subscriptions"): _own(create),
        ("GET", "/v2/events/types"): _own(lambda *_: event_types()),
        ("PUT", "/v2/events/enable"): _own(lambda s, _: s.events.switch(on=True)),
        ("PUT", "/v2/events/disable"): _own(lambda s, _: s.events.switch(on=False)),
        ("POST", "/v2/events"): _own(lambda s, c: s.events.search(c.body, c.version)),
    },
    open={
        ("GET", _ONE, ""): _own(lambda s, c: {"subscription": s.subscriptions.get(c.part).answer(with_key=True)}),
        ("PUT", _ONE, ""): _own(lambda s, c: s.subscriptions.update(c.part, c.body)),
        ("DELETE", _ONE, ""): _own(lambda s, c: s.subscriptions.delete(c.part)),
        ("POST", _ONE, "/signature-key"): _own(rotate),
        ("POST", _ONE, "/test"): _own(lambda s, c: s.post.test(c.part, c.body)),
    },
)
