"""Keys that deliveries name: kept for an hour, asked for seldom; and elliptic signatures."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.contract.errors import Gone
from bridge.wire.elliptic import verifier
from bridge.wire.keyring import Keyring
from tests.unit.make import T0

pytestmark = pytest.mark.anyio


class Platform:
    def __init__(self) -> None:
        self.now = T0
        self.asked: list[str] = []
        self.keys = Keyring(self._fetch, lambda: self.now)

    async def _fetch(self, name: str) -> str:
        self.asked.append(name)
        if name.startswith("no"):
            raise Gone("no such key")
        return f"the key {name}"


async def test_a_key_is_fetched_once_and_kept_for_an_hour() -> None:
    platform = Platform()
    assert platform.keys.get("a") is None
    assert await platform.keys.learn("a")
    assert not await platform.keys.learn("a")
    assert platform.keys.get("a") == "the key a"
    platform.now += timedelta(minutes=61)
    assert platform.keys.get("a") is None
    assert await platform.keys.learn("a")
    assert platform.asked == ["a", "a"]


async def test_an_unknown_key_is_not_asked_for_again_within_a_minute() -> None:
    platform = Platform()
    assert not await platform.keys.learn("no-1")
    assert not await platform.keys.learn("no-1")
    platform.now += timedelta(minutes=2)
    assert not await platform.keys.learn("no-1")
    assert platform.asked == ["no-1", "no-1"]


async def test_a_delivery_that_names_no_key_is_not_looked_into() -> None:
    platform = Platform()
    assert not await platform.keys.learn("")
    assert platform.asked == []


async def test_whoever_names_a_new_key_each_time_is_not_followed_for_long() -> None:
    platform = Platform()
    for number in range(20):
        await platform.keys.learn(f"no-{number}")
    assert len(platform.asked) == 5


def test_a_signature_is_verified_over_the_body() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    signature = private.sign(b"body", ec.ECDSA(hashes.SHA256()))
    verify = verifier(pem.replace("\n", " ").strip(), "SHA256")
    assert verify(signature, b"body")
    assert not verify(signature, b"another")
    assert not verify(b"", b"body")
    assert not verifier(pem, "SHA1")(signature, b"body")
    assert not verifier(pem, "MD5")(signature, b"body")


def test_another_kind_of_key_is_none() -> None:
    other = rsa.generate_private_key(65537, 2048).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (pem, "no key", ""):
        with pytest.raises(ValueError):
            verifier(text, "SHA256")
