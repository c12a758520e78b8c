"""How a program finds who gets the credit, and how that is read. What a model gives to each touch is in `sharing.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from app.core.durations import parse_duration
from app.core.errors import Finding
from app.core.money import total
from app.engine.attribution.overrides import MAX_OVERRIDES, Override, read_override
from app.engine.attribution.suppression import IDENTITY_KEYS, NOTHING_SUPPRESSED, Suppression, read_suppression
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader

ModelName = Literal["last_touch", "first_touch", "linear", "position_based", "time_decay"]
MODEL_NAMES: tuple[ModelName, ...] = ("last_touch", "first_touch", "linear", "position_based", "time_decay")
NotEligible = Literal["forfeit", "reassign"]
POLICIES: tuple[NotEligible, ...] = ("forfeit", "reassign")
PREFERENCES = ("click", "view")
_PARTS = ("first", "middle", "last")
_OWN_KEYS: dict[str, tuple[str, ...]] = {"position_based": _PARTS, "time_decay": ("half_life",)}
_HUNDRED = Decimal(100)
_MORE = ("prefer", "identity", "overrides", "suppress", "not_eligible")
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Positions:
    """The percentages of the first touch, of all between together, and of the last."""

    first: Decimal
    middle: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class ProgramModel:
    """How a program finds who gets the credit."""

    name: str = "last_touch"
    positions: Positions | None = None
    half_life: timedelta | None = None
    prefers_clicks: bool = False
    identity: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    suppression: Suppression = NOTHING_SUPPRESSED
    not_eligible: NotEligible = "forfeit"
    # Which one of its program's it is, as decisions record it: id, number and hash.
    record: Mapping[str, Any] | None = field(default=None, compare=False)


def read_model(data: Any, timezone: ZoneInfo = _UTC) -> tuple[ProgramModel | None, list[Finding]]:
    """Return a model, or None and everything that is wrong with it. Its dates are local to the program's zone."""
    findings = Findings()
    model = _model(Reader(findings), data, timezone)
    return (None if findings.errors else model), findings.all


def _model(reader: Reader, data: Any, timezone: ZoneInfo) -> ProgramModel | None:
    name = data.get("model") if isinstance(data, dict) else None
    own = _OWN_KEYS.get(name, ()) if isinstance(name, str) else ()
    given = reader.object(data, "", ("model", *own), _MORE, "an attribution model")
    if given is None or reader.word(name, "/model", MODEL_NAMES) is None:
        return None
    return ProgramModel(
        name=given["model"],
        positions=_positions(reader, given) if name == "position_based" else None,
        half_life=_half_life(reader, given["half_life"]) if name == "time_decay" else None,
        prefers_clicks="prefer" in given and _prefers_clicks(reader, given["prefer"]),
        identity=_words(reader, given["identity"], "/identity", IDENTITY_KEYS) if "identity" in given else (),
        overrides=_overrides(reader, given.get("overrides", []), timezone),
        suppression=read_suppression(reader, given.get("suppress", {}), "/suppress"),
        not_eligible=reader.word(given.get("not_eligible", "forfeit"), "/not_eligible", POLICIES) or "forfeit",
    )


def _overrides(reader: Reader, data: Any, timezone: ZoneInfo) -> tuple[Override, ...]:
    found: list[Override] = reader.items(
        data,
        "/overrides",
        lambda one, at: read_override(reader, one, at, timezone),
        most=MAX_OVERRIDES,
        code="too_many_members",
    )
    if len({each.id for each in found}) < len(found):
        reader.findings.add("duplicate_id", "/overrides", "an id stands there twice", "name each once")
    return tuple(found)


def _positions(reader: Reader, given: dict[str, Any]) -> Positions | None:
    first, middle, last = (reader.decimal(given[part], f"/{part}", what="a percentage") for part in _PARTS)
    if first is None or middle is None or last is None:
        return None
    for part, percent in zip(_PARTS, (first, middle, last), strict=True):
        if not 0 <= percent <= _HUNDRED:
            reader.findings.add("out_of_range", f"/{part}", f"expected 0 to 100 percent, found {percent}")
    if total((first, middle, last)) != _HUNDRED:
        message = f"first, middle and last are {total((first, middle, last))} percent together"
        reader.findings.add("out_of_range", "", message, "let them be 100 together")
    if not first and not last:
        message = "first and last are both zero, so two touches would get nothing"
        reader.findings.add("out_of_range", "/first", message, "use linear to share evenly")
    return Positions(first, middle, last)


def _half_life(reader: Reader, data: Any) -> timedelta | None:
    found = parse_duration(data) if isinstance(data, str) else None
    if found is None:
        message = f"expected a duration, found {described(data)}"
        reader.findings.add("value_not_of_type", "/half_life", message, "for example 'P7D'")
    elif not found:
        reader.findings.add("out_of_range", "/half_life", "a half-life is longer than zero", "for example 'P7D'")
    return found


def _prefers_clicks(reader: Reader, data: Any) -> bool:
    found = _words(reader, data, "/prefer", PREFERENCES)
    if found == PREFERENCES:
        return True
    message = f"expected click before view, found {described(data)}"
    reader.findings.add("unknown_choice", "/prefer", message, 'write ["click", "view"], or leave it out')
    return False


def _words(reader: Reader, data: Any, at: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = reader.items(
        data, at, lambda word, here: reader.word(word, here, allowed), most=len(allowed), code="too_many_members"
    )
    if len(set(found)) < len(found):
        reader.findings.add("duplicate_id", at, "a word stands there twice", "name each once")
    return tuple(found)
