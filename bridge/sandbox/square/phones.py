"""Phone numbers as Square reads them. Connect API specification 2025-08-20: `CreateCustomerRequest.phone_number`, `CustomerFilter`."""

import re
from typing import Any

__all__ = ["e164", "valid_phone"]

# Where Square Loyalty is to be had (developer.squareup.com/docs/loyalty-api/overview).
CODES = {"US": "1", "CA": "1", "GB": "44", "AU": "61", "IE": "353", "FR": "33", "ES": "34", "JP": "81"}


def valid_phone(number: Any) -> bool:
    """Tell whether it has 9 to 16 digits, and nothing else but a plus sign before and punctuation between them."""
    text = str(number).strip()
    return bool(re.fullmatch(r"\+?[\d\s().-]+", text)) and 9 <= len(re.sub(r"\D", "", text)) <= 16


def e164(number: Any, country: str) -> str:
    """Write a number in E.164; one without a country code is one of the seller's country. "" where there is none."""
    text = str(number or "").strip()
    digits = re.sub(r"\D", "", text)
    if not digits:
        return ""
    code = CODES.get(country, "1")
    national = digits.lstrip("0") if code != "1" else digits.removeprefix("1") if len(digits) == 11 else digits
    return f"+{digits}" if text.startswith("+") else f"+{code}{national}"
