"""bridge shell"""

import sys

import click

from bridge.cli.session import options

__all__ = ["command"]


@click.command(name="shell")
@click.argument("channel")
@click.option("-c", "code", metavar="CODE", help="Run this Python instead of asking.")
@options
def command(channel: str, code: str | None, config: str | None, as_json: bool) -> int:
    """Open a Python prompt with a platform's official client.

    Authenticated with the channel's credentials: `woo` (woocommerce), `shopify` (ShopifyAPI) or `square` (squareup).
    What you write there is not checked by the bridge; numbers you change count as changed by hand.

    \b
    Examples:
      bridge shell shop
      bridge shell shop -c "print(woo.get('products').json()[0]['name'])"
    """
    from bridge.cli.session import opened

    if as_json:
        raise click.UsageError("A prompt has no JSON; print what you want with -c.")
    with opened(config) as app:
        names = app.shell(channel)
    if code is not None:
        exec(compile(code, "<-c>", "exec"), {"__name__": "__main__", **names})  # noqa: S102 - the person's own code
        return 0
    import code as prompt

    listed = ", ".join(names)
    sys.ps1, sys.ps2 = f"{channel}>>> ", "... "
    prompt.interact(banner=f"{channel}: {listed} (Ctrl-D ends)", local=dict(names), exitmsg="")
    return 0
