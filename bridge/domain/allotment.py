"""What each channel may show of what is available."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Policy", "Rule", "available_kits", "choose", "target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`shared`: every channel shows available - buffer, at most `cap`, never below 0.

    `split` and `auto` (design, section 3) join here: `target` is the only place that asks for the kind.
    """

    kind: Literal["shared"] = "shared"
    buffer: int = 0
    cap: int | None = None


_ALL = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A policy for what matches: each of `sku`, `tag`, `channel` that is given must match. Later rules win field by field."""

    sku: str | None = None
    tag: str | None = None
    channel: str | None = None
    buffer: int | None = None
    cap: int | None = None

    def matches(self, sku: str, tags: frozenset[str], channel: str) -> bool:
        """Tell whether the rule speaks about this SKU on this channel."""
        return (
            (self.sku is None or self.sku == sku)
            and (self.tag is None or self.tag in tags)
            and (self.channel is None or self.channel == channel)
        )


def choose(rules: Sequence[Rule], sku: str, tags: frozenset[str], channel: str) -> Policy:
    """Fold the matching rules into one policy."""
    if not rules:
        return _ALL
    buffer, cap = 0, None
    for rule in rules:
        if rule.matches(sku, tags, channel):
            buffer = buffer if rule.buffer is None else rule.buffer
            cap = cap if rule.cap is None else rule.cap
    return Policy(buffer=buffer, cap=cap)


def target(policy: Policy, available: int, *, least: int = 0) -> int:
    """Return the number the channel should show.

    Oversold stock shows as 0: nothing is left to sell, and the debt stays in the ledger.
    """
    shown = max(least, available - policy.buffer, 0)
    return shown if policy.cap is None else min(shown, max(policy.cap, least, 0))


def available_kits(components: Sequence[tuple[str, int]], available: Mapping[str, int]) -> int:
    """How many kits the components make: the scarcest one decides."""
    return min((available.get(sku, 0) // each for sku, each in components), default=0)
