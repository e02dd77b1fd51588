"""How errors are told: on stderr for people, on stdout as {"error": {"what", "where", "next"}} with --json."""

import sys

__all__ = ["FAILED", "NEEDS_PERSON", "STOPPED", "USAGE", "StoppedError", "tell", "told"]

FAILED, USAGE, NEEDS_PERSON = 1, 2, 3
STOPPED = 130  # as a shell has it for a command that a person interrupted


class StoppedError(Exception):
    """A person or the system asked the command to end, and it has closed everything."""


def tell(what: str, where: str, step: str, *, code: int, as_json: bool) -> int:
    """Print an error; return the exit code."""
    if as_json:
        import json

        print(json.dumps({"error": {"what": what, "where": where, "next": step}}, ensure_ascii=False))
        return code
    place = f"{where}: " if where else ""
    print(f"{place}{what}", file=sys.stderr)
    if step:
        print(f"  next: {step}", file=sys.stderr)
    return code


def told(error: Exception, *, as_json: bool) -> int | None:
    """Print an error that is nobody's bug and return its exit code; None for any other."""
    if isinstance(error, StoppedError):
        return tell("stopped; run the same command again", "", "", code=STOPPED, as_json=as_json)
    if _is(error, "bridge.config.errors", "ConfigError") and not as_json:
        print(error, file=sys.stderr)  # several problems, each with its line
        return USAGE
    for module, name, code in _KNOWN:
        if _is(error, module, name):
            where, step = getattr(error, "where", ""), getattr(error, "next_step", "")
            return tell(_text(error), where, step, code=getattr(error, "exit_code", code), as_json=as_json)
    return None


# The first that fits; the code is the error's own where it has one.
_KNOWN = (
    ("bridge.config.errors", "ConfigError", USAGE),
    ("bridge.app.errors", "AppError", FAILED),
    ("bridge.contract.errors", "NeedsPerson", NEEDS_PERSON),
    ("bridge.contract.errors", "BridgeError", FAILED),
    ("bridge.store.errors", "StoreError", FAILED),
)


def _is(error: Exception, module: str, name: str) -> bool:
    """An error whose module was never loaded cannot have been raised, so nothing is loaded to ask."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))


def _text(error: Exception) -> str:
    what, code = str(getattr(error, "what", error)), getattr(error, "code", "")
    return f"{what} [{code}]" if code else what
