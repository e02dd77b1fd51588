"""Small charts as SVG, drawn on the server. Colours come from the style sheet's classes: the page's CSP allows no others."""

from collections.abc import Sequence

from markupsafe import Markup

from bridge.app.shown import ChannelPicture, Hour

__all__ = ["bars", "share"]

_HEIGHT = 40
_STEP = 10
_WIDTH = 1000
_KINDS = ("agree", "differ", "in_flight", "unknown")
_SPOKEN = ("agree", "differ", "are being written", "are not known")


def bars(hours: Sequence[Hour], what: str) -> Markup:
    """Draw one bar an hour. Who cannot see it hears the sum and the busiest hour."""
    top = max((one.value for one in hours), default=0)
    drawn = Markup("").join(_bar(index, one, top, what) for index, one in enumerate(hours))
    return Markup('<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>').format(
        len(hours) * _STEP, _HEIGHT + 1, _spoken(hours, what, top), _ground(len(hours)), drawn
    )  # fmt: skip


def _bar(index: int, hour: Hour, top: int, what: str) -> Markup:
    # Whatever happened at all is seen: no bar is lower than two units.
    height = max(2.0, hour.value / top * _HEIGHT) if hour.value else 0.0
    title = f"{hour.begin:%H:%M} UTC: {hour.value:,} {what}"
    return Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
        index * _STEP + 1, f"{_HEIGHT - height:.1f}", _STEP - 2, f"{height:.1f}", title
    )


def _ground(hours: int) -> Markup:
    return Markup('<rect class="ground" x="0" y="{}" width="{}" height="1"></rect>').format(_HEIGHT, hours * _STEP)


def _spoken(hours: Sequence[Hour], what: str, top: int) -> str:
    total = sum(one.value for one in hours)
    if not total:
        return f"No {what} in the last 24 hours"
    busiest = next(one for one in hours if one.value == top)
    return f"{total:,} {what} in the last 24 hours, at most {top:,} in the hour from {busiest.begin:%H:%M} UTC"


def share(channel: ChannelPicture) -> Markup:
    """Draw how a channel's numbers stand as one bar: agreeing, differing, being written, not known."""
    values = [getattr(channel, kind) for kind in _KINDS]
    spoken = ", ".join(f"{value:,} {word}" for value, word in zip(values, _SPOKEN, strict=True))
    parts, left = [], 0
    for kind, width in zip(_KINDS, _widths(values), strict=True):
        parts.append(Markup('<rect class="{}" x="{}" y="0" width="{}" height="10"></rect>').format(kind, left, width))
        left += width
    return Markup('<svg class="share" viewBox="0 0 {} 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, f"Of {channel.numbers:,} numbers {spoken}", Markup("").join(parts)
    )  # fmt: skip


def _widths(values: Sequence[int]) -> list[int]:
    """Widths that fill the bar; a single number among a hundred thousand is still seen."""
    total = sum(values)
    widths = [max(12, round(value / total * _WIDTH)) if value else 0 for value in values]
    if total:
        widths[widths.index(max(widths))] -= sum(widths) - _WIDTH
    return widths
