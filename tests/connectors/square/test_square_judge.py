"""Square's errors as the four errors."""

from typing import TYPE_CHECKING

import pytest

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Surroundings
from connectors.square import Settings, connect
from connectors.square.judge import STALE

if TYPE_CHECKING:
    from tests.connectors.square.conftest import Stub

TABLE = [
    (401, "AUTHENTICATION_ERROR", "UNAUTHORIZED", NeedsPerson),
    (401, "AUTHENTICATION_ERROR", "ACCESS_TOKEN_EXPIRED", NeedsPerson),
    (403, "AUTHENTICATION_ERROR", "INSUFFICIENT_SCOPES", NeedsPerson),
    (403, "MERCHANT_SUBSCRIPTION_ERROR", "MERCHANT_SUBSCRIPTION_NOT_FOUND", NeedsPerson),
    (400, "INVALID_REQUEST_ERROR", "INVALID_SQUARE_VERSION_FORMAT", NeedsPerson),
    (429, "RATE_LIMIT_ERROR", "RATE_LIMITED", TryLater),
    (500, "API_ERROR", "INTERNAL_SERVER_ERROR", TryLater),
    (503, "API_ERROR", "SERVICE_UNAVAILABLE", TryLater),
    (404, "INVALID_REQUEST_ERROR", "NOT_FOUND", Gone),
    (400, "INVALID_REQUEST_ERROR", "VERSION_MISMATCH", Refused),
    (409, "INVALID_REQUEST_ERROR", "CONFLICT", Refused),
    (400, "INVALID_REQUEST_ERROR", "VALUE_TOO_LONG", Refused),
    (400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED", Refused),
    (400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID", Refused),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "category", "code", "kind"), TABLE)
async def test_each_answer_is_one_of_the_four(
    square: "Stub", status: int, category: str, code: str, kind: type[BridgeError]
) -> None:
    problem = {"category": category, "code": code, "detail": "because", "field": "order.thing"}
    square.answer("/v2/orders/O1", {"errors": [problem]}, status=status)
    with pytest.raises(BridgeError) as caught:
        await square.connector.sales.get("O1")
    assert type(caught.value) is kind
    assert caught.value.where == "till"
    assert "read order O1: because (field order.thing)" in str(caught.value)
    assert caught.value.code == (STALE if code == "CONFLICT" else code)
    assert caught.value.next_step or kind is TryLater


@pytest.mark.anyio
async def test_the_wish_of_square_is_waited_for(square: "Stub") -> None:
    start = square.now
    square.answer(
        "/v2/orders/O1",
        {"errors": [{"category": "RATE_LIMIT_ERROR", "code": "RATE_LIMITED"}]},
        429,
        **{"retry-after": "7"},
    )
    square.answer("/v2/orders/O1", {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]}, 404)
    with pytest.raises(Gone):
        await square.connector.sales.get("O1")
    assert (square.now - start).total_seconds() >= 7


@pytest.mark.anyio
async def test_an_answer_without_errors_is_judged_by_its_status(square: "Stub") -> None:
    square.answer("/v2/orders/O1", {"message": "teapot"}, 418)
    with pytest.raises(Refused, match="418"):
        await square.connector.sales.get("O1")


@pytest.mark.anyio
async def test_the_token_is_sent_but_never_shown(square: "Stub") -> None:
    problem = {"category": "AUTHENTICATION_ERROR", "code": "UNAUTHORIZED", "detail": "sq0atp-secret is no token"}
    square.answer("/v2/orders/O1", {"errors": [problem]}, 401)
    with pytest.raises(NeedsPerson) as caught:
        await square.connector.sales.get("O1")
    assert "sq0atp-secret" not in str(caught.value)
    assert square.headers[0]["authorization"] == "Bearer sq0atp-secret"
    assert square.headers[0]["square-version"] == "2026-09-16"
    assert "sq0atp" not in repr(Settings(access_token="sq0atp-secret"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [(Settings(access_token=""), "token"), (Settings(access_token="x", version="2025-08-20"), "2025-08-20")],
)
def test_unusable_settings_need_a_person(settings: Settings, reason: str) -> None:
    import random
    from datetime import UTC, datetime

    async def sleep(seconds: float) -> None:
        raise AssertionError("nothing is called yet")

    around = Surroundings(now=lambda: datetime.now(UTC), time=lambda: 0.0, sleep=sleep, rng=random.Random(1))
    with pytest.raises(NeedsPerson, match=reason):
        connect(settings, around, where="till")
