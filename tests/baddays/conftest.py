"""A day for each test: `day` has all three platforms, `a_day(names, **options)` others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.baddays.day import PLATFORMS, Day, beginning

ADay = Callable[..., Day]


@pytest.fixture
def a_day(tmp_path: Path) -> Iterator[ADay]:
    """Begin days with some of the platforms; keywords are options of the stand-ins, by platform."""
    with ExitStack() as stack:

        def begin(*names: str, **options: Any) -> Day:
            return stack.enter_context(beginning(tmp_path, names or PLATFORMS, options))

        yield begin


@pytest.fixture
def day(a_day: ADay) -> Day:
    """A day with all three platforms."""
    return a_day()
