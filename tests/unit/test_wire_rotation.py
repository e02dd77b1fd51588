"""Refresh tokens that are replaced as they are used: the newest is kept, and the configured one is the last resort."""

from urllib.parse import parse_qs

import httpx
import pytest

from bridge.contract.errors import NeedsPerson
from bridge.wire.access import TokenService
from bridge.wire.judging import judge_grants
from bridge.wire.rotation import Rotation
from tests.unit.wirebench import Answer, Server, failure, simulate

REVOKED = httpx.Response(400, json={"error": "invalid_grant", "error_description": "revoked"})


def rotation(server: Server, refresh: str = "configured") -> Rotation:
    service = TokenService(
        server.around, where="shop", url="https://login.test", path="token", judge=judge_grants({"": "consent again"}), secrets=(),
    )  # fmt: skip
    return Rotation(service, server.around, name="shop", refresh=refresh, form={"client_id": "app"})


def granted(number: int, **more: object) -> httpx.Response:
    told = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3600, **more}
    return httpx.Response(200, json={name: value for name, value in told.items() if value})


def asked(server: Server) -> list[str]:
    return [parse_qs(request.content.decode())["refresh_token"][0] for _, request in server.sent]


def run(main: object, *answers: Answer) -> None:
    simulate(main, *answers)  # type: ignore[arg-type]


def test_each_renewal_is_made_with_the_newest_token_and_a_restart_goes_on_with_it() -> None:
    async def main(server: Server) -> None:
        tokens = rotation(server)
        assert await tokens.get() == await tokens.get() == "access-1"
        tokens.spoil("access-1")
        assert await tokens.get() == "access-2"
        assert await rotation(server).get() == "access-2", "it is still good"
        again = rotation(server)
        again.spoil("access-2")
        assert await again.get() == "access-3"
        assert asked(server) == ["configured", "refresh-1", "refresh-2"]

    run(main, granted(1), granted(2), granted(3))


def test_a_token_that_is_entered_anew_goes_first() -> None:
    async def main(server: Server) -> None:
        await rotation(server).get()
        assert await rotation(server, "given-anew").get() == "access-2"
        assert asked(server) == ["configured", "given-anew"]

    run(main, granted(1), granted(2))


def test_the_configured_token_is_the_last_resort() -> None:
    async def main(server: Server) -> None:
        tokens = rotation(server)
        await tokens.get()
        tokens.spoil("access-1")
        assert await tokens.get() == "access-2"
        assert asked(server) == ["configured", "refresh-1", "configured"]

    run(main, granted(1), REVOKED, granted(2))


def test_where_nothing_else_is_left_a_person_hears_of_it() -> None:
    async def main(server: Server) -> None:
        assert isinstance(await failure(rotation(server).get()), NeedsPerson)
        assert asked(server) == ["configured"]

    run(main, REVOKED)


def test_a_service_that_replaces_nothing_is_asked_with_the_same_again() -> None:
    async def main(server: Server) -> None:
        tokens = rotation(server)
        assert await tokens.get() == "access-1"
        tokens.spoil("access-1")
        assert await tokens.get() == "access-2"
        assert asked(server) == ["configured", "configured"]

    run(main, granted(1, refresh_token=None, expires_in=None), granted(2, refresh_token=None))


@pytest.mark.parametrize("kept", ["", "no json", "{}", '{"of": "other settings", "refresh": "theirs"}'])
def test_a_vault_with_nothing_of_ours_is_passed_over(kept: str) -> None:
    async def main(server: Server) -> None:
        server.around.vault.put("shop", kept)
        assert await rotation(server).get() == "access-1"
        assert asked(server) == ["configured"]

    run(main, granted(1))
