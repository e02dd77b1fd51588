"""Google's official client for a Python prompt."""

from collections.abc import Callable

import msgspec

from connectors.google.settings import Settings

__all__ = ["shell_of"]


def shell_of(settings: Settings) -> Callable[[], dict[str, object]]:
    """Return the opener of the discovery clients, authenticated. `google-api-python-client` is loaded only then."""

    def shell() -> dict[str, object]:
        from google.oauth2 import service_account
        from googleapiclient.discovery import build

        given, scopes = settings.service_account.strip(), ["https://www.googleapis.com/auth/content"]
        make = service_account.Credentials
        if given.startswith("{"):
            credentials = make.from_service_account_info(msgspec.json.decode(given), scopes=scopes)
        else:
            credentials = make.from_service_account_file(given, scopes=scopes)
        return {
            name: build("merchantapi", f"{name}_v1", credentials=credentials) for name in ("products", "inventories")
        }

    return shell
