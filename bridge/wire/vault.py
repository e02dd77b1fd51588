"""What a connector must not forget over a restart and cannot ask for again: tokens that the platform replaces as they are used."""

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Memory", "Vault"]


class Vault(Protocol):
    """A few small secrets by name. What is put is safe when `put` returns."""

    def get(self, name: str) -> str:
        """Return a secret, "" where there is none."""

    def put(self, name: str, value: str) -> None:
        """Keep a secret in the place of the one before."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A vault for as long as the process lives."""

    kept: dict[str, str] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> str:
        """Return a secret, "" where there is none."""
        return self.kept.get(name, "")

    def put(self, name: str, value: str) -> None:
        """Keep a secret in the place of the one before."""
        self.kept[name] = value
