"""Times and sums as people type them at a command."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

import click

__all__ = ["Amount", "Lasts", "Moment"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Lasts(click.ParamType[timedelta]):
    """A time such as 30m, 4h or 2d."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"(\d{1,6})([mhd])", str(value))
        if found is None:
            self.fail(f"{value} is not a time such as 30m, 4h or 2d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Moment(click.ParamType[datetime]):
    """A date, or a moment with its offset. `end`: the date is wholly in it, so its end is the first moment of the next one."""

    name = "date"

    def __init__(self, *, end: bool = False) -> None:
        self.end = end

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
                day = date.fromisoformat(str(value))
                moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
                return moment + timedelta(days=1) if self.end else moment
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                f"{value} is not a date such as 2026-11-27, or a moment such as 2026-11-27T18:00+01:00", param, ctx
            )
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


class Amount(click.ParamType[Decimal]):
    """A decimal number above 0, such as 5.00."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value} is not a number such as 5.00", param, ctx)
        if not found.is_finite() or found <= 0:
            self.fail(f"{value} is not above 0", param, ctx)
        return found
