"""eBay's error answers: {"errors": [{errorId, domain, category, message, longMessage, parameters}]}."""

from typing import Any

__all__ = ["EbayError", "denied", "gone", "invalid", "unauthorised"]

Json = dict[str, Any]


class EbayError(Exception):
    """One refusal, with its HTTP status and eBay's own number."""

    def __init__(
        self, status: int, number: int, message: str, *, domain: str = "API_INVENTORY", category: str = "REQUEST"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.number = number
        self.message = message
        self.domain = domain
        self.category = category

    def as_json(self) -> Json:
        """Return the entry of `errors`."""
        return {
            "errorId": self.number,
            "domain": self.domain,
            "category": self.category,
            "message": self.message,
            "longMessage": self.message,
            "parameters": [],
        }


def invalid(field: str, info: str = "") -> EbayError:
    """25709: a value that the Inventory API does not take."""
    return EbayError(400, 25709, f"Invalid value for {field}. {info}".strip())


def gone(sku: str) -> EbayError:
    """25702: there is no such SKU; sent with 404 (specification: the number; the status is our belief)."""
    return EbayError(404, 25702, f"{sku} could not be found or is not available in the system.")


def unauthorised() -> EbayError:
    """1001: the token is none, or has run out."""
    return EbayError(401, 1001, "Invalid access token", domain="OAuth")


def denied() -> EbayError:
    """1100: the token is good, and not for this."""
    return EbayError(403, 1100, "Access denied", domain="ACCESS")
