"""Tokens: the static one of an admin-created app, and the 24-hour ones of the client credentials grant."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bridge.sandbox.shopify.idempotency import Keys

# Shopify answers 86399, one second short of the day (apps/build/authentication-authorization/client-credentials-grant).
LIFETIME = timedelta(seconds=86399)


@dataclass(slots=True)
class Access:
    """Who may call: the app's client id and secret, and the tokens handed out for it."""

    now: Callable[[], datetime]
    rng: Random
    client_id: str
    client_secret: str
    static_token: str
    scopes: frozenset[str]
    keys: Keys
    tokens: dict[str, datetime] = field(default_factory=dict)

    def allows(self, token: str) -> bool:
        """Tell whether a token is valid now."""
        if token == self.static_token:
            return True
        ends = self.tokens.get(token)
        return ends is not None and self.now() < ends

    def grant(self, asked: dict[str, Any], *, installed: bool = True) -> tuple[int, dict[str, Any]]:
        """Answer a token request: status and body. An app that is no longer installed is an unknown client too."""
        if asked.get("grant_type") != "client_credentials":
            text = "The grant type is not supported."
            return 400, {"error": "unsupported_grant_type", "error_description": text}
        known = (self.client_id, self.client_secret)
        if not installed or (asked.get("client_id"), asked.get("client_secret")) != known:
            text = "Client authentication failed due to unknown client or no client authentication included."
            return 400, {"error": "invalid_client", "error_description": text}
        token = f"shpat_{self.rng.getrandbits(128):032x}"
        self.tokens[token] = self.now() + LIFETIME
        scope = ",".join(sorted(self.scopes))
        return 200, {"access_token": token, "scope": scope, "expires_in": int(LIFETIME.total_seconds())}

    def revoke(self) -> None:
        """Make every token handed out invalid, as uninstalling does."""
        self.tokens.clear()
