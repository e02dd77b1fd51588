"""A code as a QR picture, drawn on the server as SVG. Colours come from the style sheet: a scanner wants dark on light, by night too."""

import segno
from markupsafe import Markup

__all__ = ["qr"]

# Light modules around the symbol (ISO/IEC 18004: four of them), without which scanners do not see where it begins.
_QUIET = 4


def qr(text: str) -> Markup:
    """Draw a text as a QR code that a damaged or dirty screen does not hurt much; who cannot see it hears the text."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    size = len(rows) + 2 * _QUIET
    path = "".join(
        f"M{start + _QUIET} {y + _QUIET}h{length}v1h-{length}z" for y, row in enumerate(rows) for start, length in _runs(row)
    )  # fmt: skip
    return Markup(
        '<svg class="qr" viewBox="0 0 {} {}" shape-rendering="crispEdges" role="img" aria-label="{}"><path d="{}"></path></svg>'
    ).format(size, size, f"QR code of {text}", path)


def _runs(row: list[int]) -> list[tuple[int, int]]:
    """Where dark modules begin, and how many follow each other."""
    found: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and x and row[x - 1]:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((x, 1))
    return found
