"""The exceptions that stop something: each says who, what, where, expected, and what now.

Expected trouble is a value (`billing.facts.FieldProblem`, `plan.outcome`), not an exception.
"""

from __future__ import annotations


class StavbillError(Exception):
    """The root of everything that stavbill raises on purpose. Its text is for an operator."""


class ConfigError(StavbillError):
    """A setting is wrong or missing; found before the first request. Exit code 2."""


class PortalError(StavbillError):
    """The portal cannot be read: `code` is the API's error code, empty for transport failures."""

    def __init__(self, text: str, code: str = "") -> None:
        """Keep the API's code beside the text for the operator."""
        super().__init__(text)
        self.code = code


class WialonError(StavbillError):
    """A Wialon host cannot be read, or its answer is incomplete; `code` is its error number.

    `what` is what happened, in words for everybody; the error's own text goes on with the advice,
    which names settings and is for the operator alone.
    """

    def __init__(self, what: str, code: int | None = None, *, advice: str = "") -> None:
        """Keep the host's error number, and what happened without the advice."""
        super().__init__(f"{what} {advice}".rstrip())
        self.what = what
        self.code = code


class WritingStoppedError(StavbillError):
    """No further write anywhere: kill switch, read-only mode, or a violation. Exit code 4."""


class InterruptedByPersonError(StavbillError):
    """A person pressed Ctrl+C: what was sent is settled, the rest stands planned. Exit code 130."""


class NotOurPortalError(WritingStoppedError):
    """The portal's mark is not this database's: another writes to it, or is ahead of ours.

    Nothing was written since that was seen. `is_behind` says that our own installation wrote to the
    portal what this database does not know: it is a copy that was put back.
    """

    def __init__(self, text: str, *, is_behind: bool) -> None:
        """Keep whether it is our own database that is older than the world."""
        super().__init__(text)
        self.is_behind = is_behind


class StoreError(StavbillError):
    """The database cannot be used (full disk, read-only, wrong version); says what to do."""


class DocumentError(StavbillError):
    """A document cannot be made from what is a whole record: a template, or the machine's fault."""
