"""The token endpoint: refresh tokens of a seller, and client credentials of the application.

Sources: developer.ebay.com/api-docs/static/oauth-refresh-token-request.html, oauth-client-credentials-grant.html.
"""

import base64
import binascii
from urllib.parse import parse_qsl

from bridge.sandbox.ebay.api import Answer, Call
from bridge.sandbox.ebay.state import Grant, State

__all__ = ["token"]

_PREFIX = "https://api.ebay.com/oauth/api_scope"


def token(state: State, call: Call) -> Answer:
    """Answer a token request; scopes asked for must have been consented to."""
    form = dict(parse_qsl(call.raw.decode("latin-1")))
    if _client(call.headers.get("authorization", "")) != (state.options.client_id, state.options.client_secret):
        return _refuse(401, "invalid_client", "client authentication failed")
    asked = {_short(one) for one in form.get("scope", "").split()}
    if form.get("grant_type") == "client_credentials":
        # An application is given nothing of a seller's: only the bare scope.
        return _grant(state, "app", frozenset({""})) if asked <= {""} else _refuse(400, "invalid_scope", _BEYOND)
    if form.get("grant_type") != "refresh_token":
        return _refuse(400, "unsupported_grant_type", "grant type in request is not supported by the server")
    if form.get("refresh_token") != state.options.refresh_token or state.revoked:
        return _refuse(
            400, "invalid_grant", "the provided authorization refresh token is invalid or was issued to another client"
        )
    if asked - set(state.options.scopes) - {""}:
        return _refuse(400, "invalid_scope", _BEYOND)
    return _grant(state, "user", frozenset(asked or {"", *state.options.scopes}))


_BEYOND = "The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client"


def _grant(state: State, kind: str, scopes: frozenset[str]) -> Answer:
    value = f"v^1.1#i^1#{kind}#access-{state.number():06d}"
    state.grants[value] = Grant(kind, scopes, state.later(state.options.token_seconds))
    name = "User Access Token" if kind == "user" else "Application Access Token"
    return Answer({"access_token": value, "expires_in": state.options.token_seconds, "token_type": name})


def _refuse(status: int, code: str, text: str) -> Answer:
    return Answer({"error": code, "error_description": text}, status)


def _client(header: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _short(scope: str) -> str:
    return scope.removeprefix(_PREFIX).removeprefix("/")
