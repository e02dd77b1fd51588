"""Who may call: the application's key, and the tokens that a seller gave it. Refreshing gives a new refresh token each time.

Sources: developers.etsy.com/documentation/essentials/authentication (3,600 s, 90 days); etsy/open-api issue 353 (a new one
each time). Whether the old refresh token lives on is told both ways, so it is an option.
"""

from dataclasses import dataclass, field

from bridge.sandbox.etsy.errors import EtsyError
from bridge.sandbox.etsy.values import Clock, Json

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 90 * 24 * 3600
ALL_SCOPES = ("listings_d", "listings_r", "listings_w", "shops_r", "transactions_r", "transactions_w")


@dataclass(slots=True)
class Access:
    """The token service and the check of every call."""

    clock: Clock
    keystring: str
    secret: str
    user_id: int
    scopes: tuple[str, ...]
    first_refresh: str
    old_refresh_lives: bool
    access: dict[str, int] = field(default_factory=dict)
    refresh: dict[str, int] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        self.refresh[self.first_refresh] = self.clock.seconds() + REFRESH_SECONDS

    def exchange(self, form: Json) -> Json:
        """Answer POST /v3/public/oauth/token. A client may send `keystring:secret` as its id (etsy-python does)."""
        if form.get("grant_type") != "refresh_token":
            raise EtsyError(400, "unsupported_grant_type", "grant_type must be refresh_token here")
        if str(form.get("client_id", "")).partition(":")[0] != self.keystring:
            raise EtsyError(401, "invalid_client", "client_id is invalid")
        old = str(form.get("refresh_token", ""))
        if old not in self.refresh:
            raise EtsyError(400, "invalid_grant", "refresh_token is revoked" if old else "refresh_token is required")
        if self.refresh[old] <= self.clock.seconds():
            raise EtsyError(400, "invalid_grant", "refresh_token is expired")
        if not self.old_refresh_lives:
            del self.refresh[old]
        return self._fresh()

    def check(self, api_key: str, authorization: str, scope: str) -> None:
        """Let a call through, or raise 401 or 403."""
        if api_key != f"{self.keystring}:{self.secret}":
            raise EtsyError(403, "Invalid API key: should be in the format 'keystring:shared_secret'.")
        if not scope:
            return
        token = authorization.removeprefix("Bearer ")
        if token not in self.access:
            raise EtsyError(401, "invalid_token", "access token is invalid")
        if self.access[token] <= self.clock.seconds():
            raise EtsyError(401, "invalid_token", "access token is expired")
        if scope not in self.scopes and scope != "any":
            raise EtsyError(403, "insufficient_scope", f"The token lacks the scope {scope}.")

    def scopes_of(self, token: str) -> Json:
        """Answer tokenScopes."""
        if token not in self.access:
            raise EtsyError(401, "invalid_token", "access token is invalid")
        return {"scopes": list(self.scopes)}

    def grant(self) -> str:
        """Return the refresh token that the application gets once the seller has allowed it access anew."""
        return str(self._fresh()["refresh_token"])

    def revoke(self) -> None:
        """A password was changed: every token ends (etsy/open-api issue 519)."""
        self.access.clear()
        self.refresh.clear()

    def _fresh(self) -> Json:
        self.made += 1
        now = self.clock.seconds()
        access, refresh = (f"{self.user_id}.{kind}-sandbox-token-{self.made:06d}" for kind in ("access", "refresh"))
        self.access[access] = now + ACCESS_SECONDS
        self.refresh[refresh] = now + REFRESH_SECONDS
        return {"access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "refresh_token": refresh}
