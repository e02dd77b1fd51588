"""The terms of a code in words, for people who did not make it."""

from collections.abc import Iterator
from datetime import datetime

from bridge.domain.coupons import CouponTerms
from bridge.store.coupons import Campaign
from bridge.webserver.pages.words import counted

__all__ = ["told"]

_KINDS = {
    "points": "Made of points: they are held while it is open, and free again if nobody uses it.",
    "referral": "Somebody invites others by it: both get points once what was bought is kept.",
}
_POLICIES = {
    "shared": "Every channel may accept all uses that are left; the others are told at once.",
    "split": "Every channel may accept its own part of the uses, so that there is never one too many.",
    "claim": "A use is asked for first, at every channel.",
}


def told(campaign: Campaign) -> list[str]:
    """Return sentences, what matters at a counter first. Whose addresses it is limited to is not among them."""
    return [*_limits(campaign.terms), *_uses(campaign)]


def _limits(terms: CouponTerms) -> Iterator[str]:
    if terms.excluded:
        yield f"Nothing off {', '.join(terms.excluded)}."
    if terms.starts_at is not None:
        yield f"Good from {_at(terms.starts_at)} on."
    if terms.ends_at is not None:
        yield f"Good until {_at(terms.ends_at)}."
    if terms.first_order:
        yield "For a customer's first order only."
    if terms.emails:
        yield "For one customer only." if len(terms.emails) == 1 else f"For {len(terms.emails)} customers only."
    yield "Other codes may be used beside it." if terms.stacks else "No other code beside it."


def _uses(campaign: Campaign) -> Iterator[str]:
    each = campaign.terms.per_customer
    if campaign.uses is None:
        yield "As often as people like."
    else:
        yield f"Good for {counted(campaign.uses, 'use')} in all."
    if each is not None:
        yield f"At most {counted(each, 'use')} a customer."
    yield _POLICIES[campaign.policy]
    if campaign.kind in _KINDS:
        yield _KINDS[campaign.kind]
    yield (
        "A cancelled order gives its use back." if campaign.restore else "A cancelled order does not give its use back."
    )


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
