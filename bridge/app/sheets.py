"""Files that commands write: whole or not at all, never over an existing one."""

import csv
import html
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from bridge.app.errors import AppError

__all__ = ["code_csv", "must_be_new", "private_json", "qr_sheet"]

_COLUMNS = 4
_CELL = (210, 250)  # a cell of the sheet, in CSS pixels: four abreast on A4 paper


def must_be_new(name: str) -> Path:
    """Return the path; raises AppError where there is something already, or no folder: before anything is made for it."""
    file = Path(name)
    if file.exists() or file.is_symlink():
        raise AppError(f"{file} is there already; it is not overwritten", next_step="name another file", exit_code=2)
    if not file.absolute().parent.is_dir():
        raise AppError(f"there is no folder {file.parent}", next_step="make it, or name another file", exit_code=2)
    return file


@contextmanager
def _whole(name: str, mode: int) -> Iterator[IO[str]]:
    """Write beside the file and rename it there at the end: nobody finds half of it."""
    file = must_be_new(name)
    part = file.with_name(f".{file.name}.part")
    try:
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8", newline=""
        ) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.rename(file)
    except OSError as error:
        raise AppError(f"{file} cannot be written: {error.strerror}", next_step="name another file") from error
    finally:
        with suppress(OSError):
            part.unlink()


def private_json(name: str, value: object) -> None:
    """Write a value as JSON, for its owner's eyes alone; raises AppError."""
    with _whole(name, 0o600) as out:
        out.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def code_csv(name: str, codes: Sequence[str], says: str) -> None:
    """Write codes as CSV with what each takes off; raises AppError."""
    with _whole(name, 0o600) as out:
        writer = csv.writer(out)
        writer.writerow(["code", "discount"])
        writer.writerows((code, says) for code in codes)


def qr_sheet(name: str, codes: Sequence[str], says: str, progress: Callable[[int], None] = lambda _: None) -> None:
    """Write a sheet with a QR code of each code, to be printed and cut: a page (.html) or a picture (.svg); raises AppError."""
    kind = Path(name).suffix.lower()
    if kind not in {".html", ".svg"}:
        raise AppError(
            f"a sheet cannot be a {kind or 'file without an ending'}", next_step="name it .html or .svg", exit_code=2
        )
    with _whole(name, 0o600) as out:
        for number, piece in enumerate(_page(codes, says) if kind == ".html" else _picture(codes, says)):
            out.write(piece)
            progress(number)


_STYLE = (
    "body{font-family:sans-serif;margin:8mm}"
    ".c{display:inline-block;width:44mm;padding:2mm;text-align:center;break-inside:avoid}"
    ".c svg{width:34mm;height:34mm}.c b{display:block;font:bold 10pt monospace}.c span{font-size:8pt}"
)


def _page(codes: Sequence[str], says: str) -> Iterator[str]:
    told = html.escape(says)
    yield f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{told}</title><style>{_STYLE}</style>\n'
    for code in codes:
        yield f'<div class="c">{_drawn(code)}<b>{html.escape(code)}</b><span>{told}</span></div>\n'
    yield "</html>\n"


def _picture(codes: Sequence[str], says: str) -> Iterator[str]:
    wide, high = _CELL
    rows = -(-len(codes) // _COLUMNS)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide * _COLUMNS}" height="{high * rows}" font-family="sans-serif">\n'
    for number, code in enumerate(codes):
        row, column = divmod(number, _COLUMNS)
        x, y = column * wide, row * high
        place = f'<svg x="{x + 20}" y="{y + 10}" width="{wide - 40}" height="{wide - 40}" '
        yield _drawn(code).replace("<svg ", place, 1)
        yield _line(code, x + wide // 2, y + wide, 15) + _line(says, x + wide // 2, y + wide + 18, 11)
    yield "</svg>\n"


def _line(text: str, x: int, y: int, size: int) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="middle">{html.escape(text)}</text>\n'


def _drawn(code: str) -> str:
    """A QR code as SVG without a size of its own; a quarter of it may be unreadable (level Q), as paper gets dirty."""
    import segno

    return segno.make(code, error="q", micro=False).svg_inline(omitsize=True)
