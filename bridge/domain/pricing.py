"""Price rules per channel: a factor, a rounding, and the refusal to invent an exchange rate."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal

from bridge.domain.money import Money

__all__ = ["PriceRule", "Rounding"]

Rounding = Literal["none", "nearest", "up", "down", "ending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRule:
    """price x `factor`, then rounded to a multiple of `step` minor units ("nearest", "up", "down"), or up to the next price
    that ends in `step` minor units within 100 ("ending": step 99 gives 12.99)."""

    factor: Decimal = Decimal(1)
    rounding: Rounding = "none"
    step: int = 1

    @property
    def reversible(self) -> bool:
        """Whether a price set on the channel says what our price is."""
        return self.factor == 1 and self.rounding == "none"

    def apply(self, price: Money, currency: str) -> Money:
        """Return the price for a channel that sells in `currency`; raises ValueError if that is not the price's own."""
        if currency != price.currency:
            raise ValueError(
                f"the price is in {price.currency} and the channel sells in {currency}: no exchange rate is guessed"
            )
        exact = Decimal(price.minor) * self.factor
        return Money(self._round(exact), currency)

    def _round(self, exact: Decimal) -> int:
        if self.rounding == "none":
            return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        if self.rounding == "ending":
            whole = int(((exact - self.step) / 100).to_integral_value(ROUND_CEILING))
            return max(whole, 0) * 100 + self.step
        mode = {"nearest": ROUND_HALF_UP, "up": ROUND_CEILING, "down": ROUND_FLOOR}[self.rounding]
        return int((exact / self.step).to_integral_value(mode)) * self.step
