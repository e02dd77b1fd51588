"""A config of three channels that nobody answers for: enough for commands that only look at the database."""

import sys
from pathlib import Path

from bridge.app.configfile import config_text

__all__ = ["installed", "write_shop"]


def installed() -> str:
    """Return the installed command `bridge`, which stands beside the interpreter."""
    return str(Path(sys.executable).with_name("bridge"))


def write_shop(folder: Path, *, guard: bool = True) -> tuple[Path, dict[str, str]]:
    """Write a config into `folder`; returns it and its channels (name -> platform). `guard` False: no plan is too large."""
    tables: dict[str, dict[str, object]] = {
        "shop": {
            "platform": "woocommerce",
            "url": "https://shop.example",
            "consumer_key": "ck_bench",
            "consumer_secret": "cs_bench",
        },
        "store": {"platform": "shopify", "url": "https://demo.myshopify.com", "access_token": "shpat_bench"},
        "till": {"platform": "square", "access_token": "EAAA_bench"},
    }
    text = config_text(tables)
    config = folder / "config.toml"
    config.write_text(text if guard else f"{text}\n[guard]\nzero = 1_000_000\npercent = 100\nfree = 1_000_000\n")
    config.chmod(0o600)
    return config, {name: str(table["platform"]) for name, table in tables.items()}
