"""Who may look: the password, the session that follows a login, tokens for scripts, and how often one may guess.

Nothing here knows of HTTP. Times are aware and passed in.
"""

import hashlib
import secrets
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address

import msgspec

from bridge.config.model import TokenTable
from bridge.store import notes
from bridge.store.database import Database

__all__ = [
    "MIN_LENGTH", "Session", "Sessions", "Throttle", "hash_password", "is_hash", "password_fault", "password_fits",
    "token_hash", "token_of",
]  # fmt: skip

MIN_LENGTH = 10
_MAX_LENGTH = 1024
_FORM_LASTS = timedelta(hours=1)
_ENDED_KEPT = 1000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def password_fault(password: str) -> str:
    """Say what is wrong with a new password ("" = nothing)."""
    if len(password) < MIN_LENGTH:
        return f"a password needs at least {MIN_LENGTH} characters: three or four words do well"
    return f"a password may have {_MAX_LENGTH} characters" if len(password) > _MAX_LENGTH else ""


def hash_password(password: str) -> str:
    """Return what the config keeps instead of the password (Argon2id, 64 MiB: about 50 ms of work)."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(_same_everywhere(password))


def is_hash(text: str) -> bool:
    """Tell whether a setting is something that `hash_password` made."""
    from argon2 import extract_parameters
    from argon2.exceptions import InvalidHashError

    try:
        extract_parameters(text)
    except InvalidHashError:
        return False
    return True


def password_fits(hashed: str, password: str) -> bool:
    """Compare in constant time. Takes as long as making the hash took: never call it on the event loop."""
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    try:
        return PasswordHasher().verify(hashed, _same_everywhere(password[: _MAX_LENGTH + 1]))
    except VerifyMismatchError:
        return False


def _same_everywhere(password: str) -> bytes:
    """Keyboards spell the same accented letter in two ways; a password is the same on both."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def token_hash(token: str) -> str:
    """Return what the config keeps instead of a token. It is random and long, so that a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def token_of(tokens: Sequence[TokenTable], authorization: str) -> TokenTable | None:
    """Return the token that an `Authorization: Bearer ...` header names; all are compared, however early one fits."""
    kind, _, given = authorization.partition(" ")
    if kind.lower() != "bearer":
        return None
    hashed, found = token_hash(given.strip()), None
    for one in tokens:
        if compare_digest(one.hash, hashed):
            found = one
    return found


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the cookie says, signed. `until` in seconds since 1970; one that nobody has logged in with only carries a form."""

    id: str
    form: str
    until: int
    logged_in: bool


class Sessions:
    """Makes and reads session cookies. The key is kept in the database, so that a restart logs nobody out; a new password does.

    A session that was logged out of is remembered until it would have ended anyway: its cookie is worth nothing any more.
    """

    def __init__(self, database: Database, password: str, lasts: timedelta, now: Callable[[], datetime]) -> None:
        from itsdangerous import Signer

        self._database = database
        self._lasts = lasts
        self._now = now
        salt = hashlib.sha256(f"page session {password}".encode()).digest()
        self._signer = Signer(_key(database), salt=salt, digest_method=hashlib.sha256)
        self._ended = _ended(database)

    def begin(self, *, logged_in: bool) -> Session:
        """Return a new session, for a page with the login form or for a person who has logged in."""
        until = self._now() + (self._lasts if logged_in else _FORM_LASTS)
        return Session(
            id=secrets.token_urlsafe(12), form=secrets.token_urlsafe(24), until=int(until.timestamp()), logged_in=logged_in
        )  # fmt: skip

    def cookie(self, session: Session) -> str:
        """Write a session as a cookie's value."""
        from itsdangerous.encoding import base64_encode

        return self._signer.sign(base64_encode(msgspec.json.encode(session))).decode()

    def read(self, cookie: str) -> Session | None:
        """Return the session that a cookie stands for; None for one that is not ours, is over, or was logged out of."""
        from itsdangerous import BadData
        from itsdangerous.encoding import base64_decode

        try:
            session = msgspec.json.decode(base64_decode(self._signer.unsign(cookie)), type=Session)
        except (BadData, msgspec.DecodeError):
            return None
        return session if session.until > self._now().timestamp() and session.id not in self._ended else None

    def end(self, session: Session) -> None:
        """Log out."""
        now = int(self._now().timestamp())
        living = {name: until for name, until in self._ended.items() if until > now} | {session.id: session.until}
        # A thousand logins within one session's life come from a script that should use a token.
        self._ended = dict(sorted(living.items(), key=lambda pair: pair[1])[-_ENDED_KEPT:])
        text = msgspec.json.encode(self._ended).decode()
        self._database.write(lambda connection: notes.set_meta(connection, "web.ended", text))


def _key(database: Database) -> str:
    found = database.read(lambda connection: notes.get_meta(connection, "web.key"))
    if found:
        return found
    fresh = secrets.token_urlsafe(32)
    database.write(lambda connection: notes.set_meta(connection, "web.key", fresh))
    return fresh


def _ended(database: Database) -> dict[str, int]:
    text = database.read(lambda connection: notes.get_meta(connection, "web.ended"))
    return msgspec.json.decode(text, type=dict[str, int]) if text else {}


@dataclass(slots=True)
class _Tries:
    number: int = 0
    last: datetime = _NEVER


@dataclass(slots=True, kw_only=True)
class Throttle:
    """How often passwords may be guessed: a few times freely from one address, then ever more slowly; and only so often in all.

    An attempt counts when it begins, so that many at once are no way around. An address that has logged in before is not
    locked out by others' guesses. Memory is bounded: the addresses not heard of for longest are forgotten first.
    """

    free: int = 5
    slowest: timedelta = timedelta(minutes=15)
    forgets: timedelta = timedelta(hours=1)
    overall: int = 100
    window: timedelta = timedelta(minutes=10)
    addresses: int = 10_000
    _tries: "OrderedDict[str, _Tries]" = field(default_factory=OrderedDict)
    _known: "OrderedDict[str, None]" = field(default_factory=OrderedDict)
    _all: "deque[datetime]" = field(default_factory=deque)

    def wait(self, address: str, now: datetime) -> timedelta:
        """Return how long this address must wait before it may try (zero: now)."""
        name = _network(address)
        return max(self._own(name, now), timedelta(0) if name in self._known else self._others(now))

    def tried(self, address: str, now: datetime) -> None:
        """Count an attempt that begins."""
        name = _network(address)
        tries = self._tries.pop(name, _Tries())
        fresh = now - tries.last > self.forgets
        self._tries[name] = _Tries(1 if fresh else tries.number + 1, now)
        self._all.append(now)
        while len(self._tries) > self.addresses:
            self._tries.popitem(last=False)
        while len(self._all) > self.overall:
            self._all.popleft()

    def passed(self, address: str) -> None:
        """The attempt was right."""
        name = _network(address)
        self._tries.pop(name, None)
        if self._all:
            self._all.pop()
        self._known[name] = None
        while len(self._known) > self.addresses:
            self._known.popitem(last=False)

    def _own(self, name: str, now: datetime) -> timedelta:
        tries = self._tries.get(name, _Tries())
        if tries.number < self.free:
            return timedelta(0)
        pause = min(self.slowest, timedelta(seconds=2.0 ** min(tries.number - self.free + 1, 20)))
        return _left(tries.last, pause, now)

    def _others(self, now: datetime) -> timedelta:
        return _left(self._all[0], self.window, now) if len(self._all) == self.overall else timedelta(0)


def _left(since: datetime, pause: timedelta, now: datetime) -> timedelta:
    """What is left of a pause; a clock that was set back makes nobody wait longer than the pause."""
    return min(pause, max(timedelta(0), since + pause - now))


def _network(address: str) -> str:
    """An IPv6 customer has at least a /64 of addresses to guess from: they count as one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:100]
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else str(parsed)
