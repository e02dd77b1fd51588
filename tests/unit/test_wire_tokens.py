"""Tokens: one fetch for everybody, renewed before they run out."""

import asyncio
from datetime import timedelta

import pytest

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from bridge.wire.tokens import Token, Tokens
from tests.unit.make import T0, at

pytestmark = pytest.mark.anyio


class Issuer:
    """Hands out token-1, token-2, ... each good for an hour of `now`."""

    def __init__(self, life: timedelta | None = timedelta(hours=1)) -> None:
        self.now = T0
        self.life = life
        self.fetches = 0
        self.error: Exception | None = None
        self.tokens = Tokens(self._fetch, now=lambda: self.now)

    async def _fetch(self) -> Token:
        self.fetches += 1
        number = self.fetches
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Token(f"token-{number}", None if self.life is None else self.now + self.life)


async def test_however_many_ask_one_fetch_serves_them() -> None:
    issuer = Issuer()
    assert await asyncio.gather(*(issuer.tokens.get() for _ in range(20))) == ["token-1"] * 20
    assert issuer.fetches == 1


async def test_it_is_renewed_ahead_of_its_end() -> None:
    issuer = Issuer()
    await issuer.tokens.get()
    issuer.now = at(49 * 60 + 59)
    assert await issuer.tokens.get() == "token-1"
    issuer.now = at(50 * 60)
    assert await issuer.tokens.get() == "token-2"


async def test_a_token_without_an_end_is_kept() -> None:
    issuer = Issuer(life=None)
    await issuer.tokens.get()
    issuer.now = at(10**9)
    assert await issuer.tokens.get() == "token-1"


async def test_a_refused_token_is_fetched_anew_once_for_all_who_saw_the_refusal() -> None:
    issuer = Issuer()
    await issuer.tokens.get()
    for _ in range(3):
        issuer.tokens.spoil("token-1")
    assert await asyncio.gather(*(issuer.tokens.get() for _ in range(3))) == ["token-2"] * 3
    issuer.tokens.spoil("token-1")
    assert await issuer.tokens.get() == "token-2", "the refusal of an old token does not spoil the new one"


async def test_a_failed_fetch_is_tried_again_by_the_next_caller() -> None:
    issuer = Issuer()
    issuer.error = ValueError("down")
    with pytest.raises(ValueError, match="down"):
        await issuer.tokens.get()
    issuer.error = None
    assert await issuer.tokens.get() == "token-2"


@pytest.mark.parametrize("error", [TryLater("down"), NeedsPerson("revoked", next_step="give access again")])
async def test_a_renewal_that_fails_ahead_of_time_stops_nobody_while_the_token_lasts(error: BridgeError) -> None:
    issuer = Issuer()
    await issuer.tokens.get()
    issuer.error, issuer.now = error, at(50 * 60)
    assert await asyncio.gather(*(issuer.tokens.get() for _ in range(20))) == ["token-1"] * 20
    assert issuer.fetches == 2, "and it is not tried at every call"
    issuer.now = at(50 * 60 + 29)
    assert await issuer.tokens.get() == "token-1"
    assert issuer.fetches == 2
    issuer.now = at(50 * 60 + 30)
    assert await issuer.tokens.get() == "token-1"
    assert issuer.fetches == 3
    issuer.error, issuer.now = None, at(52 * 60)
    assert await issuer.tokens.get() == "token-4"


async def test_a_token_that_ends_or_is_refused_is_not_handed_out_where_none_follows() -> None:
    issuer = Issuer()
    await issuer.tokens.get()
    issuer.error, issuer.now = TryLater("down"), at(59 * 60)
    with pytest.raises(TryLater):
        await issuer.tokens.get()
    issuer.now = at(50 * 60)
    assert await issuer.tokens.get() == "token-1"
    issuer.tokens.spoil("token-1")
    with pytest.raises(TryLater):
        await issuer.tokens.get()


async def test_a_token_never_shows_itself() -> None:
    assert "s3cret" not in repr(Token("s3cret", None))
