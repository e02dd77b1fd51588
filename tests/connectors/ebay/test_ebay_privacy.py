"""A closed eBay account: its holder is taken off the orders, and nobody else is."""

from datetime import UTC, datetime

import pytest

from bridge.domain.money import Money
from bridge.domain.orders import Contact, Order
