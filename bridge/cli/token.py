"""bridge token"""

import json
import sys

import click

from bridge.cli.output import emit, say
from bridge.cli.session import json_option

__all__ = ["command"]

_SCOPES = ("read", "stock", "holds", "loyalty", "metrics")


@click.command(name="token")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(_SCOPES),
    help="What it may do; may be repeated.",
)
@json_option
def command(name: str, scopes: tuple[str, ...], as_json: bool) -> int:
    """Make a token for a script or a till.

    It is shown once and kept nowhere: the config gets its hash. Scripts send it as `Authorization: Bearer TOKEN`.
    `read` looks (the page and the API), `stock` reports sales and counts, `holds` reserves units, `loyalty` asks for
    points and codes and redeems them, `metrics` reads /metrics.

    \b
    Examples:
      bridge token dashboard --scope read
      bridge token till-2 --scope read --scope stock --scope holds --scope loyalty
    """
    import secrets

    from bridge.webserver.auth import token_hash

    if not name.strip() or not name.isprintable():
        raise click.UsageError("Give the token a name that tells who uses it.")
    token, wanted = secrets.token_urlsafe(32), list(dict.fromkeys(scopes))
    if as_json:
        emit({"name": name, "token": token, "hash": token_hash(token), "scopes": wanted})
        return 0
    say(token)
    say(f"\n[[tokens]]\nname = {_text(name)}\nhash = {_text(token_hash(token))}\nscopes = {json.dumps(wanted)}")
    print("The first line is the token: keep it now, it is shown once. Put the rest into the config and start the daemon again.",
          file=sys.stderr)  # fmt: skip
    return 0


def _text(value: str) -> str:
    # A JSON string is a TOML basic string as well.
    return json.dumps(value, ensure_ascii=False)
