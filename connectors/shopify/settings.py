"""What a merchant tells us about a Shopify shop."""

from dataclasses import dataclass, field

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One Shopify shop: its address, and either a static token or the id and secret of an own app."""

    shop: str = field(default="", metadata={"help": "the shop's own address, my-shop.myshopify.com"})
    access_token: str = field(
        default="", repr=False, metadata={"help": "static Admin API token (shpat_...)", "secret": True}
    )
    client_id: str = field(default="", metadata={"help": "client id of a Dev Dashboard app, instead of a token"})
    client_secret: str = field(default="", repr=False, metadata={"help": "client secret of that app", "secret": True})
    webhook_secret: str = field(
        default="",
        repr=False,
        metadata={
            "help": "API secret key that signs webhooks, where there is no client_secret; several with commas between",
            "secret": True,
        },
    )
    location: str = field(default="", metadata={"help": "id of the location used where an order names none"})
    url: str = field(default="", metadata={"help": "base url instead of https://<shop>, for a sandbox"})

    @property
    def signing(self) -> tuple[str, ...]:
        """What Shopify may sign webhooks with, each once: after a rotation the old secret signs for a while yet."""
        named = [*self.webhook_secret.split(","), self.client_secret]
        return tuple(dict.fromkeys(secret.strip() for secret in named if secret.strip()))

    @property
    def base_url(self) -> str:
        """The address calls go to, without a slash at its end."""
        if self.url:
            return self.url.rstrip("/")
        return f"https://{self.domain}"

    @property
    def domain(self) -> str:
        """The shop's myshopify.com domain, however the merchant wrote it."""
        name = self.shop.strip().removeprefix("https://").removeprefix("http://").split("/")[0].lower()
        return name if "." in name or not name else f"{name}.myshopify.com"
