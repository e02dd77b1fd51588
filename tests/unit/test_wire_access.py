"""Access tokens: traded once, put into every call, renewed where one was refused, and shown to nobody."""

from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.access import Access, TokenService, basic
from bridge.wire.api import JsonApi
from bridge.wire.http import Http
from bridge.wire.judging import judge_grants
from bridge.wire.tokens import Token, Tokens
from tests.unit.wirebench import Server, failure, simulate

JUDGE = judge_grants({"invalid_grant": "consent again", "": "check the app"})
FORM = {"grant_type": "refresh_token", "refresh_token": "refresh-1"}


def service(server: Server) -> TokenService:
    return TokenService(
        server.around, where="shop", url="https://login.test", path="token", judge=JUDGE, secrets=("refresh-1",),
        headers=basic("app", "secret"),
    )  # fmt: skip


def test_a_token_is_traded_for_what_was_configured() -> None:
    async def main(server: Server) -> None:
        granted = await service(server).trade(FORM)
        ((_, sent),) = server.sent
        assert str(sent.url) == "https://login.test/token"
        assert sent.headers["authorization"] == "Basic YXBwOnNlY3JldA=="
        assert parse_qs(sent.content.decode()) == {name: [value] for name, value in FORM.items()}
        assert granted.token == "token-1"
        assert granted.until == granted.at + timedelta(hours=2)
        assert granted.told["scope"] == "all"
        assert "token-1" not in repr(granted)

    simulate(main, httpx.Response(200, json={"access_token": "token-1", "expires_in": 7200, "scope": "all"}))


@pytest.mark.parametrize(
    "answer", [{}, {"access_token": ""}, {"access_token": ["a"]}, {"access_token": "a", "expires_in": "soon"}]
)
def test_an_answer_without_a_token_is_none(answer: dict[str, object]) -> None:
    async def main(server: Server) -> None:
        error = await failure(service(server).trade(FORM))
        assert isinstance(error, TryLater)
        assert error.where == "shop"
        assert not error.maybe_applied

    simulate(main, httpx.Response(200, json=answer))


def test_a_lost_answer_of_the_service_says_nothing_of_the_call_that_wanted_the_token() -> None:
    async def main(server: Server) -> None:
        error = await failure(service(server).trade(FORM))
        assert isinstance(error, TryLater)
        assert not error.maybe_applied

    simulate(main, httpx.ReadTimeout("slow"), attempts=2)


@pytest.mark.parametrize(
    ("code", "step"),
    [("invalid_grant", "consent again"), ("invalid_client", "check the app"), ("odd", "check the app")],
)
def test_a_refused_grant_is_for_a_person(code: str, step: str) -> None:
    async def main(server: Server) -> None:
        error = await failure(service(server).trade(FORM))
        assert isinstance(error, NeedsPerson)
        assert (error.code, error.next_step) == (code, step)
        assert "taken back" in error.what

    simulate(main, httpx.Response(400, json={"error": code, "error_description": "it was taken back"}))


def test_whoever_is_no_token_service_is_a_matter_of_the_address() -> None:
    async def main(server: Server) -> None:
        assert isinstance(await failure(service(server).trade(FORM)), NeedsPerson)

    simulate(main, httpx.Response(404, text="not here"))


def test_scopes_are_asked_for_together_and_one_by_one_only_where_that_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        wanted = parse_qs(request.content.decode())["scope"][0].split()
        if "scope/sell" in wanted:
            return httpx.Response(400, json={"error": "invalid_scope"})
        return httpx.Response(200, json={"access_token": "token-1"})

    async def main(server: Server) -> None:
        trading = service(server)
        assert (await trading.lacking(FORM, ("read", "write"), "scope/"))[0] == frozenset()
        assert len(server.sent) == 1
        assert (await trading.lacking(FORM, ("read", "sell"), "scope/"))[0] == {"sell"}
        assert (await trading.lacking(FORM, ("sell",), "scope/")) == (frozenset({"sell"}), server.loop.now())

    simulate(main, answer)


def test_a_grant_that_is_refused_altogether_is_no_lack_of_scopes() -> None:
    async def main(server: Server) -> None:
        assert isinstance(await failure(service(server).lacking(FORM, ("read", "write"))), NeedsPerson)
        assert len(server.sent) == 1

    simulate(main, httpx.Response(400, json={"error": "invalid_grant"}))


def test_every_call_carries_the_token_and_a_refused_one_is_renewed_once() -> None:
    async def main(server: Server) -> None:
        numbers = iter(range(1, 9))

        async def fetch() -> Token:
            return Token(f"token-{next(numbers)}", None)

        tokens = Tokens(fetch, now=server.loop.now)
        access = Access(tokens, now=server.loop.now, header="x-token", scheme="", headers={"x-site": "here"})
        http = Http(
            server.around, where="shop", base_url="https://shop.test", budget=server.around.budget(), sign=access.sign,
            refresh=access.renew,
        )  # fmt: skip
        await JsonApi(server.around, http).get("a", "read a")
        await JsonApi(server.around, http).get("b", "read b")
        assert [request.headers["x-token"] for _, request in server.sent] == ["token-1", "token-2", "token-2"]
        assert {request.headers["x-site"] for _, request in server.sent} == {"here"}
        await http.aclose()

    simulate(main, httpx.Response(401, text="stale"), httpx.Response(200, json={}))


def test_a_new_token_is_concealed_wherever_it_could_be_shown() -> None:
    async def main(server: Server) -> None:
        trading = service(server)
        trading.redactors.append(server.http.redact)
        await trading.trade(FORM)
        assert "hush-hush" not in server.http.redact("token hush-hush")
        assert "hush-hush" not in trading.http.redact("token hush-hush")

    simulate(main, httpx.Response(200, json={"access_token": "hush-hush"}))
