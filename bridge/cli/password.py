"""bridge password"""

import sys

import click

from bridge.cli.output import emit, say
from bridge.cli.session import json_option

__all__ = ["command"]


@click.command(name="password")
@json_option
def command(as_json: bool) -> int:
    """Make the password of the daemon's page.

    Asks twice, or reads a line where the input is no terminal, and prints what to put into the config: a hash, from which
    nobody finds the password. A new one logs everybody out.

    \b
    Examples:
      bridge password
      bridge password --json < password.txt
    """
    from bridge.webserver.auth import hash_password, password_fault

    password = _asked()
    if fault := password_fault(password):
        raise click.UsageError(f"{fault[0].upper()}{fault[1:]}.")
    hashed = hash_password(password)
    if as_json:
        emit({"password": hashed})
    else:
        # A TOML string without escapes: a hash has no quotes in it.
        say(f"[web]\npassword = '{hashed}'")
        print(
            "Put this into the config (in place of the old one, if there is any) and start the daemon again.",
            file=sys.stderr,
        )
    return 0


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    return password
