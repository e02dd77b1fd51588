"""Login with Amazon: refresh tokens and grantless access, and what an access token may do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.sandbox.amazon.errors import denied
from bridge.sandbox.amazon.values import Json

NOTIFICATIONS = "sellingpartnerapi::notifications"
LISTING_ROLE = "Product Listing"
ORDER_ROLE = "Inventory and Order Tracking"
PERSONAL_ROLE = "Direct-to-Consumer Shipping"
ROLES = (LISTING_ROLE, ORDER_ROLE)


class GrantError(Exception):
    """The token service refuses: an OAuth error (RFC 6749, 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "error_description": description}


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token that was handed out; `scope` is set for a grantless one."""

    ends: datetime
    scope: str
    roles: tuple[str, ...]


class Access:
    """One application that one seller has authorised, each refresh token with the roles it was given with."""

    def __init__(self, client_id: str, client_secret: str, tokens: dict[str, tuple[str, ...]], seconds: float) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.tokens = tokens
        self.seconds = seconds
        self.granted: dict[str, Grant] = {}
        self.revoked = False

    def exchange(self, form: dict[str, str], now: datetime) -> Json:
        """Answer a call of the token endpoint."""
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            raise GrantError(401, "invalid_client", "Client authentication failed")
        kind = form.get("grant_type")
        if kind == "refresh_token":
            roles = self.tokens.get(form.get("refresh_token") or "")
            if self.revoked or roles is None:
                raise GrantError(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
            return self._grant("", now, roles) | {"refresh_token": form["refresh_token"]}
        if kind == "client_credentials":
            if form.get("scope") != NOTIFICATIONS:
                raise GrantError(400, "invalid_scope", "The request has an invalid scope parameter")
            return self._grant(NOTIFICATIONS, now, ())
        raise GrantError(400, "unsupported_grant_type", "The authorization grant type is not supported")

    def revoke(self) -> None:
        """The seller takes the authorisation back: tokens end at once, and no new one is given."""
        self.revoked = True
        self.granted.clear()

    def expire(self) -> None:
        """End all access tokens early; the refresh token stays good."""
        self.granted.clear()

    def check(self, token: str | None, role: str, scope: str, now: datetime) -> None:
        """Refuse a call whose token is absent, unknown, over, of the other kind, or without the role."""
        if not token:
            raise denied("Access token is missing in the request header.")
        grant = self.granted.get(token)
        if grant is None:
            raise denied("The access token you provided is revoked, malformed or invalid.")
        if now >= grant.ends:
            raise denied("The access token you provided has expired.")
        if grant.scope != scope or (role and role not in grant.roles):
            raise denied()

    def _grant(self, scope: str, now: datetime, roles: tuple[str, ...]) -> Json:
        token = f"Atza|sandbox-access-token-{len(self.granted) + 1}-{int(now.timestamp())}"
        self.granted[token] = Grant(now + timedelta(seconds=self.seconds), scope, roles)
        return {"access_token": token, "token_type": "bearer", "expires_in": int(self.seconds)}
