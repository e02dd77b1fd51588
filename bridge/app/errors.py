"""What a person asked for that cannot be done as asked."""

__all__ = ["AppError", "Missing"]


class AppError(Exception):
    """The request makes no sense here and now. `exit_code`: 1 failed, 2 usage, 3 needs a person."""

    def __init__(self, what: str, *, where: str = "", next_step: str = "", exit_code: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step
        self.exit_code = exit_code

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        step = f"\n  next: {self.next_step}" if self.next_step else ""
        return f"{place}{self.what}{step}"


class Missing(AppError):
    """What was asked for is not there: a SKU, a hold, an order."""
