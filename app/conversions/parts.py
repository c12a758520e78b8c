"""Parts of what is sent: texts, instants and keys, read with every defect named where it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from app.core.errors import Finding, pointer_of
from app.core.instants import parse_instant
from app.engine.factsheet import MAX_UNKNOWN
from app.rulelang.diagnostics import described, did_you_mean

MAX_ID = 128


def unknown_keys(data: dict[str, Any], known: Sequence[str], at: str = "") -> Iterator[Finding]:
    """Yield what is wrong with keys that nobody knows: the first of them by name, then how many more there are."""
    keys = [key for key in data if key not in known]
    for key in keys[:MAX_UNKNOWN]:
        yield Finding("unknown_key", f"unknown key {described(key)}", at + pointer_of(key), did_you_mean(key, known))
    if len(keys) > MAX_UNKNOWN:
        yield Finding("unknown_key", f"{len(keys) - MAX_UNKNOWN:,} more unknown keys", at)


def read_text(value: Any, at: str, findings: list[Finding], what: str, of: str = "a conversion") -> str | None:
    """Return an id; `what` and `of` say in messages what it is, and of what."""
    key = at.rpartition("/")[2]
    if value is None:
        findings.append(Finding("missing_key", f"{of} needs {key}: {what}", at))
    elif not isinstance(value, str) or not 0 < len(value) <= MAX_ID or not value.isprintable():
        message = f"{key} is {what}, a string of 1 to {MAX_ID} printable characters; found {described(value)}"
        findings.append(Finding("wrong_type", message, at))
    else:
        return value
    return None


def read_instant(value: Any, at: str, findings: list[Finding], of: str = "a conversion") -> datetime | None:
    """Return an instant, which has an offset."""
    key = at.rpartition("/")[2]
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is not None:
        return instant
    if value is None:
        findings.append(Finding("missing_key", f"{of} needs {key}", at))
        return None
    is_naive = isinstance(value, str) and parse_instant(value + "Z") is not None  # all it lacks is the offset
    findings.append(
        Finding(
            "naive_time" if is_naive else "bad_instant",
            f"{key} is an instant with an offset (RFC 3339); found {described(value)}",
            at,
            f"write {value}Z or {value}-04:00" if is_naive else "such as 1997-07-02T10:00:00-04:00",
        )
    )
    return None
