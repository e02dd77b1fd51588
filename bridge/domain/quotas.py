"""How many uses of a code each channel may accept: the allotment of stock (design, section 3), for uses.

A channel's own limit counts from its own beginning, so it is what was used there plus what it may still accept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.coupons import CouponPolicy

__all__ = ["Quota", "limits", "moved", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A code on one channel.

    `used` is how often it was used there, as far as anybody knows. `allotted` is how many uses the channel may have accepted in all
    (`split`), `ceiling` how many it may accept by what was ever written there and is not known to be out of force. `claims` are open.
    """

    used: int = 0
    allotted: int = 0
    ceiling: int = 0
    claims: int = 0


def limits(policy: CouponPolicy, left: int | None, quotas: Mapping[str, Quota]) -> dict[str, int | None]:
    """Return the limit that each channel should have; None: no limit. `left` are the uses left in all, claims taken off."""
    if policy == "claim":
        return {channel: quota.used + quota.claims for channel, quota in quotas.items()}
    if left is None:
        return dict.fromkeys(quotas)
    if policy == "split":
        return {channel: quota.allotted for channel, quota in quotas.items()}
    return {channel: quota.used + quota.claims + max(0, left) for channel, quota in quotas.items()}


def spread(uses: int, channels: Sequence[str]) -> dict[str, int]:
    """Divide uses among channels as evenly as they go; the first channels get what is over."""
    each, over = divmod(uses, len(channels)) if channels else (0, 0)
    return {channel: each + (number < over) for number, channel in enumerate(channels)}


def moved(uses: int, quotas: Mapping[str, Quota]) -> dict[str, int]:
    """Return new allotments of the `uses` that these channels have among them: what none of them can accept any more goes to one that has
    run out; else the one that idles most gives half of what it has left up for it.

    Never do the ceilings and the allotments together come to more than the uses there are: a cut counts only once the channel is known
    to honour it, so one is raised only after the others' cuts.
    """
    wanted = _within(uses, quotas)
    if any(wanted[channel] < quota.allotted for channel, quota in quotas.items()):
        return wanted
    dry = sorted(
        (one for one, quota in quotas.items() if quota.used >= quota.allotted), key=lambda one: (-quotas[one].used, one)
    )
    if not dry:
        return wanted
    free = uses - sum(max(quota.ceiling, quota.allotted, quota.used) for quota in quotas.values())
    if free > 0:
        wanted[dry[0]] += free
        return wanted
    cutting = any(quota.ceiling > max(quota.allotted, quota.used) for quota in quotas.values())
    idle = {channel: quota.allotted - quota.used for channel, quota in quotas.items()}
    richest = max(idle, key=lambda one: (idle[one], one))
    if not cutting and idle[richest] >= 2:
        wanted[richest] -= idle[richest] // 2
    return wanted


def _within(uses: int, quotas: Mapping[str, Quota]) -> dict[str, int]:
    """Return the allotments, those that idle most cut as far as all come to more than there is: a use that counts for us and that its
    channel gave back by itself (a cancelled order) is one that nobody else may make."""
    wanted = {channel: quota.allotted for channel, quota in quotas.items()}
    over = sum(max(quota.allotted, quota.used) for quota in quotas.values()) - uses
    for channel in sorted(quotas, key=lambda one: (quotas[one].used - quotas[one].allotted, one)):
        cut = max(0, min(over, quotas[channel].allotted - quotas[channel].used))
        wanted[channel] -= cut
        over -= cut
    return wanted
