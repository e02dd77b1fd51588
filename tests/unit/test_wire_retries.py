"""What is sent again, when, and what is not."""

import asyncio
from typing import Any

import httpx
import pytest

from bridge.contract.errors import NeedsPerson, Refused, TryLater
from bridge.wire.http import Request
from tests.unit.wirebench import READ, WRITE, Answer, Server, failure, simulate

OK = httpx.Response(200, json={})
KEYED = Request(method="POST", path="things", op="write things", repeatable=True)


def calls_of(request: Request, *answers: Answer, **options: Any) -> tuple[int, Any]:
    """Return how often a request was sent, and the error it ended in (None: it was answered)."""

    async def main(server: Server) -> tuple[int, Any]:
        try:
            await server.http.send(request)
        except Exception as error:  # noqa: BLE001 - the tests look at it
            return len(server.sent), error
        return len(server.sent), None

    return simulate(main, *answers, **options)


@pytest.mark.parametrize(
    "answer", [httpx.ReadError("cut"), httpx.ReadTimeout("slow"), httpx.Response(502), httpx.Response(429)]
)
def test_a_repeatable_call_is_sent_again(answer: Answer) -> None:
    assert calls_of(READ, answer, OK) == (2, None)
    assert calls_of(KEYED, answer, OK) == (2, None)


@pytest.mark.parametrize(
    "answer", [httpx.ReadError("cut"), httpx.WriteTimeout("slow"), httpx.Response(500), httpx.Response(504)]
)
def test_an_unsafe_call_that_may_have_arrived_is_never_sent_again(answer: Answer) -> None:
    count, error = calls_of(WRITE, answer, OK)
    assert count == 1
    assert isinstance(error, TryLater)
    assert error.maybe_applied


@pytest.mark.parametrize(
    "answer",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy"), httpx.Response(429)],
)
def test_an_unsafe_call_that_cannot_have_taken_effect_is_sent_again(answer: Answer) -> None:
    assert calls_of(WRITE, answer, OK) == (2, None)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422])
def test_what_repeating_would_not_change_is_not_repeated(status: int) -> None:
    assert calls_of(READ, httpx.Response(status), OK)[0] == 1


def test_attempts_are_limited() -> None:
    count, error = calls_of(READ, httpx.Response(503), attempts=3)
    assert count == 3
    assert isinstance(error, TryLater)


@pytest.mark.parametrize(
    "last", [httpx.Response(429), httpx.Response(401), httpx.Response(400), httpx.ConnectError("refused")]
)
def test_a_doubt_from_an_earlier_attempt_is_not_forgotten(last: Answer) -> None:
    """Applied, then answered 429 or refused: the write may still have happened the first time."""
    _, error = calls_of(KEYED, httpx.ReadError("cut"), last)
    assert isinstance(error, TryLater | NeedsPerson | Refused)
    assert error.maybe_applied


def test_without_such_a_doubt_there_is_none() -> None:
    _, error = calls_of(KEYED, httpx.Response(429))
    assert not error.maybe_applied


def test_the_platforms_own_wish_is_waited_out() -> None:
    async def main(server: Server) -> None:
        await server.http.send(READ)
        assert server.times[0] == 0
        assert 7 <= server.times[1] <= 7.25

    simulate(main, httpx.Response(429, headers={"retry-after": "7"}), OK)


def test_a_wish_given_as_a_date_is_waited_out() -> None:
    async def main(server: Server) -> None:
        date = {"date": server.http_date(0), "retry-after": server.http_date(9)}
        server.answers = [httpx.Response(503, headers=date), OK]
        await server.http.send(READ)
        assert 9 <= server.times[1] <= 9.25

    simulate(main)


def test_waits_grow_and_are_jittered() -> None:
    async def main(server: Server) -> None:
        await failure(server.http.send(READ))
        waits = [later - sooner for sooner, later in zip(server.times, server.times[1:], strict=False)]
        for number, wait in enumerate(waits):
            assert 0.25 * 2**number <= wait <= 0.5 * 2**number
        assert len({round(wait / 2**number, 6) for number, wait in enumerate(waits)}) == len(waits)

    simulate(main, httpx.Response(503), attempts=6)


def test_too_much_makes_every_call_of_the_channel_wait() -> None:
    """One 429 pauses all of them: hammering on would only prolong it."""

    async def main(server: Server) -> None:
        answered = asyncio.ensure_future(server.http.send(READ))
        await asyncio.sleep(1)
        others = [asyncio.ensure_future(server.http.send(READ)) for _ in range(3)]
        await asyncio.gather(answered, *others)
        assert server.times[0] == 0
        assert all(when >= 10 for when in server.times[1:])
        assert len(server.times) == 5

    simulate(main, httpx.Response(429, headers={"retry-after": "10"}), OK)


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    async def main(server: Server) -> None:
        await asyncio.gather(*(server.http.send(READ) for _ in range(6)))
        assert server.times == [0, 0, 2, 2, 4, 4]
        assert server.http.calls == 6

    simulate(main, OK, concurrency=2, latency=2.0)


def test_the_budget_is_taken_for_every_attempt() -> None:
    async def main(server: Server) -> None:
        await server.http.send(READ)
        await server.http.send(READ)
        assert server.times[1] >= 10
        assert server.times[2] >= 20

    simulate(main, httpx.Response(503), OK, capacity=1, per_second=0.1)


def test_a_refused_token_is_renewed_once_and_the_call_sent_again() -> None:
    renewals = 0

    async def refresh() -> bool:
        nonlocal renewals
        renewals += 1
        return True

    assert calls_of(WRITE, httpx.Response(401), OK, refresh=refresh) == (2, None)
    assert renewals == 1
    count, error = calls_of(WRITE, httpx.Response(401), refresh=refresh)
    assert (count, type(error)) == (2, NeedsPerson)


def test_a_token_that_cannot_be_renewed_needs_a_person() -> None:
    async def refresh() -> bool:
        return False

    count, error = calls_of(WRITE, httpx.Response(401), OK, refresh=refresh)
    assert (count, type(error)) == (1, NeedsPerson)


def test_each_attempt_is_signed_anew() -> None:
    """A nonce must never be sent twice."""
    stamps = iter("abc")

    async def sign(request: Request) -> Request:
        return Request(
            method=request.method, path=request.path, op=request.op, params=(("nonce", next(stamps)),), repeatable=True
        )

    async def main(server: Server) -> None:
        await server.http.send(READ)
        assert [request.url.params["nonce"] for _, request in server.sent] == ["a", "b"]

    simulate(main, httpx.Response(503), OK, sign=sign)


def test_paths_join_the_base_and_whole_addresses_are_kept() -> None:
    async def main(server: Server) -> None:
        await server.http.send(Request(method="GET", path="/things/1", op="x", params=(("a", "1"), ("a", "2"))))
        await server.http.send(Request(method="GET", path="https://shop.test/api/next?page=2", op="x"))
        assert [str(request.url) for _, request in server.sent] == [
            "https://shop.test/api/things/1?a=1&a=2",
            "https://shop.test/api/next?page=2",
        ]

    simulate(main)


def test_a_json_body_is_sent_as_such() -> None:
    async def main(server: Server) -> None:
        await server.http.send(WRITE.with_json({"a": [1, None]}))
        request = server.sent[0][1]
        assert request.content == b'{"a":[1,null]}'
        assert request.headers["content-type"] == "application/json"

    simulate(main)
