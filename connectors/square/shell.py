"""Square's official client for a Python prompt."""

from collections.abc import Callable

from connectors.square.settings import Settings

__all__ = ["shell_of"]


def shell_of(settings: Settings) -> Callable[[], dict[str, object]]:
    """Return the opener of `Square(...)`, authenticated. The package `squareup` is loaded only then."""

    def shell() -> dict[str, object]:
        from square import Square

        client = Square(token=settings.access_token, base_url=settings.url, version=settings.version)
        return {"square": client}

    return shell
