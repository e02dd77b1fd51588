"""What a merchant configures for a WooCommerce shop."""

from dataclasses import dataclass, field

from bridge.contract.errors import NeedsPerson

__all__ = ["Settings"]

_TAKES_STOCK = ("processing", "on-hold", "completed")
_WEIGHT_UNITS = ("", "kg", "g", "lbs", "oz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One WooCommerce shop."""

    url: str = field(
        metadata={"help": "the shop's own address as in WordPress Settings > General, such as https://shop.example"}
    )
    consumer_key: str = field(metadata={"help": "REST API key of an administrator, Read/Write: ck_..."})
    consumer_secret: str = field(repr=False, metadata={"help": "the secret of that key: cs_...", "secret": True})
    verify_tls: bool = field(
        default=True, metadata={"help": "false accepts a self-signed certificate (test shops only)"}
    )
    sign_calls: bool = field(
        default=False,
        metadata={"help": "sign calls (OAuth 1.0a) on https too, for servers that drop the Authorization header"},
    )
    status_paid: str = field(
        default="processing", metadata={"help": "status of mirrored orders: processing, on-hold or completed"}
    )
    currency: str = field(
        default="", metadata={"help": "the shop's currency, such as EUR; empty: asked for when needed"}
    )
    weight_unit: str = field(
        default="", metadata={"help": "the shop's weight unit (kg, g, lbs, oz); empty: asked for when needed"}
    )

    def checked(self, where: str) -> "Settings":
        """Return these settings; raises NeedsPerson naming the first that cannot be right."""
        for name, wrong, hint in self._findings():
            if wrong:
                raise NeedsPerson(
                    f"setting {name} is {self._told(name)}", where=where, next_step=f"set {name} to {hint}"
                )
        return self

    def _told(self, name: str) -> str:
        """The value as it may be shown: key and secret are easily swapped, so of a key only the beginning."""
        value = str(getattr(self, name))
        return repr(value) if name != "consumer_key" or len(value) <= 3 else f"{value[:3]!r}..."

    def _findings(self) -> tuple[tuple[str, bool, str], ...]:
        return (
            ("url", not self.url.startswith(("https://", "http://")) or "?" in self.url, "https://your-shop.example"),
            ("consumer_key", not self.consumer_key.startswith("ck_"), "a key that begins with ck_"),
            # Only an empty one is refused here: the text shows the value.
            ("consumer_secret", not self.consumer_secret, "the secret shown beside that key: cs_..."),
            ("status_paid", self.status_paid not in _TAKES_STOCK, " or ".join(_TAKES_STOCK)),
            ("currency", len(self.currency) not in {0, 3}, "a three-letter currency such as EUR, or leave it out"),
            ("weight_unit", self.weight_unit not in _WEIGHT_UNITS, "kg, g, lbs or oz, or leave it out"),
        )
