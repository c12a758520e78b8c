"""Refusals and faults, with a stable code and a kind. How a kind becomes HTTP is `app/web/problem.py`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "malformed",
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "outdated",
    "unconditional",
    "too_many",
    "unavailable",
    "fault",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an input: what, where, and what to do about it.

    `pointer` is an RFC 6901 JSON Pointer into the input, "" for the whole of it.
    """

    code: str
    message: str
    pointer: str = ""
    hint: str | None = None
    severity: Literal["error", "warning", "information"] = "error"

    def at(self, prefix: str) -> Finding:
        """Return the same finding, seen from a document in which this one lies under `prefix`."""
        return Finding(self.code, self.message, prefix + self.pointer, self.hint, self.severity)

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON data, without what is not known."""
        shown = {"code": self.code, "severity": self.severity, "pointer": self.pointer, "message": self.message}
        return shown | ({"hint": self.hint} if self.hint else {})


class AppError(Exception):
    """A request that is refused, or a fault of ours. Subclasses fix `code` and `kind`.

    The message says what was found, what was expected and what to do. `findings` lists every single defect.
    """

    code: str = "fault"
    kind: Kind = "fault"

    def __init__(self, message: str, findings: Sequence[Finding] = (), **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.findings = tuple(findings)
        self.details = details


def pointer_of(*parts: str | int) -> str:
    """Return the JSON Pointer of a path.

    >>> pointer_of("rules", 0, "a/b")
    '/rules/0/a~1b'
    """
    return "".join([f"/{part}" if isinstance(part, int) else f"/{_escaped(part)}" for part in parts])


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1") if "~" in part or "/" in part else part
