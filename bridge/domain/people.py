"""People: who buys, on all channels one identity, found by verified contacts only."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Customer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A channel's record of a customer, as its newest snapshot. `repr` shows no personal data.

    `email_verified` and `phone_verified` say whether the contact is known to be theirs there (the owner of a shop account, a phone
    that earns points at the till), not typed in by somebody at a checkout. `consent` is whether they agreed to be written to; None
    where the platform does not say. `points` is what the channel shows as their points, None where it shows nothing.
    `points_id` is what the points are kept under there where that is not `id` (Square: the loyalty account).
    """

    id: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email_verified: bool = False
    phone_verified: bool = False
    consent: bool | None = None
    points: int | None = None
    points_id: str = ""
    updated_at: datetime | None = None
