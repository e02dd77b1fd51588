"""What a connector's settings are made of: fields with help for the merchant, and the check that the needed ones are there."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, TypeVar, dataclass_transform

from bridge.contract.errors import NeedsPerson
from bridge.domain.listing_map import ListingMap

__all__ = ["demand", "demand_one_of", "mapped", "secret", "setting", "settings"]

T = TypeVar("T")


def setting(about: str, *, default: Any = MISSING) -> Any:
    """Return a field that the merchant may read about (`about`, its help); without a default it has to be given."""
    return field(default=default, metadata={"help": about})


def secret(about: str, *, default: Any = MISSING) -> Any:
    """Return such a field for what nobody may read: it is kept out of every text."""
    return field(default=default, repr=False, metadata={"help": about, "secret": True})


def mapped(about: str) -> Any:
    """Return the field that holds the merchant's map (the channel's `map`): empty where there is none."""
    return setting(about, default=ListingMap())


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting, secret))
def settings(cls: type[T]) -> type[T]:
    """Make a class of such fields a frozen value with named arguments only."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


def demand(given: object, names: Iterable[str], where: str, hint: str = "") -> None:
    """Raise NeedsPerson for the first of these settings that is empty; `hint` says where a merchant finds it."""
    for name in names:
        if not getattr(given, name).strip():
            step = f"set the channel's `{name}`"
            raise NeedsPerson(f"no {name} is set", where=where, next_step=f"{step} ({hint})" if hint else step)


def demand_one_of(name: str, given: str, there: Mapping[str, str], what: str, where: str) -> None:
    """Raise NeedsPerson saying `what`, and the choices, where this setting is none of those that are `there`: each with what it is called
    ("": nothing more than itself)."""
    if given not in there:
        known = ", ".join(f"{one} ({called})" if called else one for one, called in there.items()) or "none"
        raise NeedsPerson(what, where=where, next_step=f"set the channel's `{name}` to one of these: {known}")
