"""How Etsy says no: `{"error": ...}` with a status; the token service adds `error_description`.

Shape: Open API v3 specification (2026-08-17), `ErrorSchema`; token errors as quoted in etsy/open-api issues 519 and 549.
"""

from typing import Any


class EtsyError(Exception):
    """The API refuses the call."""

    def __init__(self, status: int, error: str, description: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.status = status
        self.error = error
        self.description = description
        self.headers = headers or {}

    def as_json(self) -> dict[str, Any]:
        """Return the body."""
        return {"error": self.error} | ({"error_description": self.description} if self.description else {})


def bad(error: str) -> EtsyError:
    """Make a 400: something in the request is wrong."""
    return EtsyError(400, error)


def not_found(what: str = "Resource not found.") -> EtsyError:
    """Make a 404."""
    return EtsyError(404, what)


def conflict(error: str) -> EtsyError:
    """Make a 409: not in this state."""
    return EtsyError(409, error)
