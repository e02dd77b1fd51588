"""Contacts in one spelling, so that equal ones are equal: e-mail addresses and phone numbers."""

from functools import lru_cache
from typing import NamedTuple

__all__ = ["Contact", "email", "masked", "phone"]


# The shortest numbers that anybody has are of seven digits, their country's among them (Niue).
_SHORTEST = 7


class Contact(NamedTuple):
    """A contact by which a person is known: `kind` is "email" or "phone"."""

    kind: str
    value: str


@lru_cache(maxsize=4096)
def email(text: str) -> Contact | None:
    """Read an e-mail address; None for what is none. The name before the @ is compared without case, as mail servers in use do."""
    from email_validator import EmailNotValidError, validate_email

    if not text.strip():
        return None
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return Contact("email", found.normalized.lower())


@lru_cache(maxsize=4096)
def phone(text: str, country: str = "") -> Contact | None:
    """Read a phone number as E.164; None for what is none, or has no country where none (`country`, ISO 3166) is assumed."""
    import phonenumbers

    try:
        found = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(found):
        return None
    value = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    # Some countries' plans have room for "12"; two people who type that in are not one.
    return Contact("phone", value) if len(value) > _SHORTEST else None


def masked(contact: Contact) -> str:
    """A contact as it may be printed: enough to tell it from another, too little to write to."""
    if contact.kind == "email":
        name, _, host = contact.value.partition("@")
        return f"{name[:1]}***@{host}"
    return f"{contact.value[:3]}***{contact.value[-2:]}"
