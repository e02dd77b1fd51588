"""How Amazon says no: {"errors": [{code, message, details}]} (every model's `ErrorList`)."""

from bridge.sandbox.amazon.values import Json


class AmazonError(Exception):
    """The API refuses the call."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def as_json(self) -> Json:
        """Return the body of the answer."""
        return {"errors": [{"code": self.code, "message": self.message, "details": self.details}]}


def invalid(message: str, details: str = "") -> AmazonError:
    """Make a 400: something in the request is wrong."""
    return AmazonError(400, "InvalidInput", message, details)


def not_found(message: str) -> AmazonError:
    """Make a 404."""
    return AmazonError(404, "NotFound", message)


def denied(details: str = "") -> AmazonError:
    """Make a 403: the token is no good, or the application lacks the role."""
    return AmazonError(403, "Unauthorized", "Access to requested resource is denied.", details)


def quota() -> AmazonError:
    """Make a 429; Amazon sends no Retry-After."""
    return AmazonError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
