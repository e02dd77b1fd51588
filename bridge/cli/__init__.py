"""The command line: parse, call one `App` method, print. Nothing heavy is imported before a command runs."""

from bridge.cli.group import main

__all__ = ["main"]
