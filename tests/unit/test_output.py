"""What `--json` prints: readable by programs, the same however many rows there are."""

import json
from dataclasses import asdict, dataclass

import pytest

from bridge.cli.output import emit


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    sku: str
    units: int
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    name: str
    lines: tuple[Line, ...]


def lines(count: int) -> tuple[Line, ...]:
    return tuple(
        Line(sku=f"S-{number}", units=-number, note=None if number % 3 else 'a "quote"\nand \u2028 more')
        for number in range(count)
    )


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1_000, 1_001, 2_500])
def test_rows_come_one_a_line(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    emit(Named(name="shop", lines=lines(count)))
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": "shop", "lines": [asdict(line) for line in lines(count)]}
    assert printed.count("\n") == (4 if count == 0 else 5 + count)


def test_two_rows_look_like_this(capsys: pytest.CaptureFixture[str]) -> None:
    emit([Named(name="till", lines=(Line(sku="A", units=1), Line(sku="B", units=2)))])
    assert capsys.readouterr().out == (
        "[\n"
        "  {\n"
        '    "name": "till",\n'
        '    "lines": [\n'
        '      {"sku":"A","units":1,"note":null},\n'
        '      {"sku":"B","units":2,"note":null}\n'
        "    ]\n"
        "  }\n"
        "]\n"
    )


@pytest.mark.parametrize("count", [1, 1_500])
def test_not_pretty_is_one_line(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    emit({"rows": lines(count)}, pretty=False)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert len(json.loads(printed)["rows"]) == count


def test_rows_of_several_kinds_keep_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    emit([Line(sku="A", units=1), {"sku": "B"}, Line(sku="C", units=3)])
    assert [row["sku"] for row in json.loads(capsys.readouterr().out)] == ["A", "B", "C"]
