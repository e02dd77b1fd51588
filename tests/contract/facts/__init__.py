"""The connectors under contract, and the few facts by which they differ. To add a platform, add a module of its name.

What a connector itself says (its ports, its Limits) is not repeated here: only what a test must know to play the shopper,
the clerk or the saboteur on that platform, each with its reason.
"""

import importlib

from bridge.contract.limits import Limits
from connectors import PLATFORMS
from tests.contract.facts.model import Facts

__all__ = ["FACTS", "Facts", "limits_of"]

FACTS: dict[str, Facts] = {name: importlib.import_module(f"tests.contract.facts.{name}").FACTS for name in PLATFORMS}


def limits_of(name: str) -> Limits:
    """Return the Limits that a connector's package exports."""
    limits: Limits = importlib.import_module(f"connectors.{name}").LIMITS
    return limits
