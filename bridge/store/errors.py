"""What can go wrong with the store itself."""

__all__ = ["BusyError", "LedgerError", "NewerError", "StoreError"]


class StoreError(Exception):
    """The database cannot be used: what, and what to do next."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what}\n  next: {self.next_step}" if self.next_step else self.what


class BusyError(StoreError):
    """Another process works on this database. `daemon`: it is one that works until it is stopped."""

    def __init__(self, other: str, next_step: str = "wait until it is done, or stop it") -> None:
        super().__init__(f"{other} is working on this database", next_step)
        self.other = other
        self.daemon = "bridge run" in other


class NewerError(StoreError):
    """The database was made by a newer version of this program."""


class LedgerError(StoreError):
    """A balance does not equal the sum of its movements, or a movement would count twice: a bug, never to be passed over."""
