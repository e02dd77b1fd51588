"""New products in tests."""

from bridge.contract.ports import Making
from bridge.domain.catalog import Product

__all__ = ["at_once"]


def at_once(made: Product | Making) -> Product:
    """Return a product that was to be made within the call."""
    assert isinstance(made, Product), "it was only accepted"
    return made
