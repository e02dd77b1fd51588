"""How Square says no: one exception, and the sentences it is raised with.

Shape and codes: Connect API specification 2025-08-20, `Error`. `VERSION_MISMATCH` is missing from its enumeration but
is what catalog and orders answer (developer.squareup.com/forums/t/13601).
"""

from typing import Any

INVALID = "INVALID_REQUEST_ERROR"


class SquareError(Exception):
    """The API refuses the call; carries the HTTP status and the one `Error` object of the answer."""

    def __init__(self, status: int, category: str, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.category = category
        self.code = code
        self.detail = detail
        self.field = field

    def as_json(self) -> dict[str, Any]:
        """Return the `Error` object."""
        error = {"category": self.category, "code": self.code, "detail": self.detail}
        return error if self.field is None else {**error, "field": self.field}


def invalid(code: str, detail: str, field: str | None = None) -> SquareError:
    """Make a 400: something in the request is wrong."""
    return SquareError(400, INVALID, code, detail, field)


def missing(field: str) -> SquareError:
    """Make a 400: a required parameter is absent."""
    return invalid("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", field)


def bad_request(detail: str, field: str | None = None) -> SquareError:
    """Make a 400 with the catch-all code."""
    return invalid("BAD_REQUEST", detail, field)


def not_found(detail: str, field: str | None = None) -> SquareError:
    """Make a 404."""
    return SquareError(404, INVALID, "NOT_FOUND", detail, field)


def unauthorized(code: str = "UNAUTHORIZED", detail: str = "This request could not be authorized.") -> SquareError:
    """Make a 401: no token, an unknown one, or one that has ended."""
    return SquareError(401, "AUTHENTICATION_ERROR", code, detail)


def insufficient_scopes() -> SquareError:
    """Make a 403: the token is good but not for this."""
    detail = "The merchant has not given your application sufficient permissions to do that."
    return SquareError(403, "AUTHENTICATION_ERROR", "INSUFFICIENT_SCOPES", detail)


def rate_limited() -> SquareError:
    """Make a 429; Square documents no header that says how long to wait."""
    detail = "Your application has reached the rate limit. Retry with exponential backoff."
    return SquareError(429, "RATE_LIMIT_ERROR", "RATE_LIMITED", detail)


def stale_object() -> SquareError:
    """Make the catalog's answer to a write with an old version (or none), status 400."""
    return invalid("VERSION_MISMATCH", "Object version does not match latest database version.", "version")


def stale_order(given: int, current: int, order_id: str) -> SquareError:
    """Make the orders' answer to a write with an old version."""
    detail = f"Supplied version {given} does not match the current version {current} of order {order_id}."
    return invalid("VERSION_MISMATCH", detail, "order.version")


def key_reused() -> SquareError:
    """Make a 400: an idempotency key came back with another request."""
    detail = "The idempotency key can only be retried with the same request data."
    return invalid("IDEMPOTENCY_KEY_REUSED", detail, "idempotency_key")
