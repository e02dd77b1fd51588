"""What a merchant configures for a Square channel."""

from dataclasses import dataclass, field

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one Square seller. Currency and locations are read from the account, not configured."""

    access_token: str = field(
        repr=False,
        metadata={"help": "access token from the Square Developer Console (application > Credentials)", "secret": True},
    )
    url: str = field(
        default="https://connect.squareup.com",
        metadata={"help": "https://connect.squareup.com, or https://connect.squareupsandbox.com for a test account"},
    )
    webhook_signature_key: str = field(
        default="",
        repr=False,
        metadata={
            "help": "signature key of a webhook subscription that was made by hand (Webhooks > Subscriptions); "
            "empty: the bridge makes its own",
            "secret": True,
        },
    )
    version: str = field(default="2026-09-16", metadata={"help": "Square-Version that is asked for (YYYY-MM-DD)"})
    location: str = field(
        default="", metadata={"help": "location id for mirrored orders; empty: the only active location"}
    )
