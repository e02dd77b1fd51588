"""The four errors that cross the contract, named by who acts next.

    BridgeError
    ├── TryLater      the engine, after a while
    ├── NeedsPerson   the merchant: credentials, scope, plan, a wrong URL
    ├── Refused       nobody now: this one item is parked, the rest goes on
    └── Gone          the engine: the remote object is no more

Anything else that a connector raises is a bug and fails loudly. A text says what, where, and what to do next.
"""

__all__ = ["BridgeError", "Gone", "NeedsPerson", "Refused", "TryLater"]


class BridgeError(Exception):
    """Something a platform or its network did. `where` is the channel's name, `code` the platform's own word.

    `maybe_applied` says that the call was sent at least once without a readable answer: a write may have taken effect
    although it ended in this error, so it must not be repeated without a key or a read-back.
    """

    maybe_applied = False

    def __init__(self, what: str, *, where: str = "", code: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.code = code
        self.next_step = next_step

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        code = f" [{self.code}]" if self.code else ""
        step = f"\n  next: {self.next_step}" if self.next_step else ""
        return f"{place}{self.what}{code}{step}"


class TryLater(BridgeError):
    """The platform or the network is unwell; the same call may work later.

    `after` is the platform's own wish in seconds (None: it named none).
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        code: str = "",
        next_step: str = "",
        after: float | None = None,
        maybe_applied: bool = False,
    ) -> None:
        super().__init__(what, where=where, code=code, next_step=next_step)
        self.after = after
        self.maybe_applied = maybe_applied


class NeedsPerson(BridgeError):
    """Only the merchant can mend this: credentials, a scope, a plan, a URL. The channel rests until then."""


class Refused(BridgeError):
    """The platform, or our own check before it, will not take this one item; repeating it changes nothing."""


class Gone(BridgeError):
    """The remote object is no more."""
