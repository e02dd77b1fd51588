"""Settings: typed, explained, and tight-lipped."""

import logging
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from bridge.contract.errors import BridgeError, NeedsPerson
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio


def test_an_unknown_key_is_refused(module: Any) -> None:
    given = {one.name: "x" for one in fields(module.Settings) if one.default is MISSING}
    with pytest.raises(TypeError, match="colour"):
        module.Settings(**given, colour="red")


def test_settings_cannot_be_changed_afterwards(module: Any) -> None:
    given = {one.name: "x" for one in fields(module.Settings) if one.default is MISSING}
    settings = module.Settings(**given)
    with pytest.raises(AttributeError):
        settings.url = "https://elsewhere.example"


def test_every_setting_has_help_that_says_something(module: Any) -> None:
    short = [one.name for one in fields(module.Settings) if len(one.metadata.get("help", "")) < 15]
    assert short == []


def test_every_secret_is_marked_and_kept_out_of_repr(bench: Bench, module: Any) -> None:
    marked = {one.name for one in fields(module.Settings) if one.metadata.get("secret")}
    assert marked == set(bench.facts.secrets)
    assert {one.name for one in fields(module.Settings) if not one.repr} >= marked


def test_whatever_sounds_like_a_secret_is_one(module: Any) -> None:
    sounding = {one.name for one in fields(module.Settings) if any(word in one.name for word in ("secret", "token"))}
    assert sounding <= {one.name for one in fields(module.Settings) if one.metadata.get("secret")}


async def test_repr_of_settings_and_connector_shows_no_secret(bench: Bench, module: Any) -> None:
    values = {one.name: one.default for one in fields(module.Settings) if one.default is not MISSING}
    values |= {one.name: "x" for one in fields(module.Settings) if one.default is MISSING}
    settings = replace(module.Settings(**values), **dict.fromkeys(bench.facts.secrets, "hush-hush-hush"))
    assert "hush-hush" not in f"{settings!r} {settings}"
    assert not any(secret in repr(bench.connector) for secret in _secrets(bench))


async def test_missing_credentials_are_named_before_any_call(bench: Bench) -> None:
    for missing in bench.facts.incomplete:
        with pytest.raises(NeedsPerson) as caught:
            bench.connect(**missing)
        assert any(field in str(caught.value) for field in missing), f"{missing} is not named in: {caught.value}"
        assert caught.value.next_step
        assert caught.value.where == "the-channel"
    assert bench.wire.calls == []


async def test_errors_carry_no_secret(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    for kind in ("status", "html", "invalid_json", "cut_before"):
        bench.fault(kind, times=None)
        with pytest.raises(BridgeError) as caught:
            await bench.catalogue()
        chain = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        assert not any(secret in chain for secret in _secrets(bench))
        bench.platform.faults.clear()


async def test_a_refused_credential_is_not_repeated_in_the_error(bench: Bench) -> None:
    connector = bench.connect(**bench.facts.wrong)
    with pytest.raises(NeedsPerson) as caught:
        await connector.account.check()
    assert not any(str(value) in f"{caught.value} {caught.value!r}" for value in bench.facts.wrong.values())


async def test_the_log_carries_no_secret(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.seed(good("TEE"))
    with caplog.at_level(logging.DEBUG, logger="bridge"):
        await bench.catalogue()
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert text, "each call is logged"
    assert not any(secret in text for secret in _secrets(bench))


def _secrets(bench: Bench) -> list[str]:
    # One that a merchant may leave out is not among the stand-in's credentials.
    known = bench.platform.credentials
    return [known[name] for name in bench.facts.secrets if name in known]
