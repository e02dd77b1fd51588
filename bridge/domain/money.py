"""Money as whole minor units with a currency: exact, never a float."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

__all__ = ["Money", "exponent"]

# ISO 4217 list one: currencies whose minor unit is not two digits.
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


_ONE = Decimal(1)


def exponent(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has (ISO 4217)."""
    return _EXPONENTS.get(currency.upper(), 2)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in whole minor units (cents, pence, yen) of one currency."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Read a decimal string such as "12.30"; raises ValueError when it is no amount or finer than the minor unit."""
        try:
            scaled = Decimal(text).scaleb(exponent(currency))
        except InvalidOperation as error:
            raise ValueError(f"{text!r} is not an amount of money") from error
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"{text!r} is not a whole number of minor units of {currency}")
        return cls(int(scaled), currency)

    @classmethod
    def rounded(cls, text: str | Decimal, currency: str) -> "Money":
        """Read a decimal, or its string, finer than the minor unit, rounding half up (for computed totals, never for prices).

        Raises ValueError when it is no amount.
        """
        return _rounded(text, currency)

    @property
    def decimal(self) -> str:
        """The amount as the decimal string that platforms take: "12.30"."""
        digits = exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-digits):.{digits}f}"

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def times(self, quantity: int) -> "Money":
        """Return this amount for `quantity` units."""
        return Money(self.minor * quantity, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return other.minor


# The same few prices come again and again, line after line.
@lru_cache(maxsize=4096)
def _rounded(text: str | Decimal, currency: str) -> Money:
    try:
        whole = Decimal(text).scaleb(exponent(currency)).quantize(_ONE, ROUND_HALF_UP)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not an amount of money") from error
    if not whole.is_finite():
        raise ValueError(f"{text!r} is not an amount of money")
    return Money(int(whole), currency)
