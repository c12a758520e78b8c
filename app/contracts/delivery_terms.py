"""Reading what a contract version says about deliveries: its shape, its words, and whether its parts go together. Pure.

What comes of it is the normal form that is kept and hashed; `app/engine/deliveries/terms.py` makes values of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

from app.core.errors import Finding, pointer_of
from app.core.instants import parse_date
from app.core.money import ZERO, canonical
from app.engine.deliveries.terms import BASES, WINDOWS
from app.rulelang.diagnostics import described
from app.rulelang.reader import Reader

MAX_FLIGHTS, MAX_PLACEMENTS, MAX_DEADLINE, MAX_NAME = 200, 1000, 366, 128
OPTIONAL = ("contracted", "overage_cpm", "sources", "deduct", "minimum_guarantee", "flights")
ONE = Decimal(1)


def read_delivery(reader: Reader, given: Any, at: str) -> dict[str, Any] | None:
    """Return delivery terms in their normal form, or None with findings."""
    data = reader.object(given, at, (), ("basis", *OPTIONAL), "what is said of deliveries")
    if data is None:
        return None
    before = len(reader.findings.errors)
    found: dict[str, Any] = {"basis": reader.word(data.get("basis", "delivered"), at + "/basis", BASES)}
    if "contracted" in data:
        found["contracted"] = _whole(reader, data["contracted"], at + "/contracted")
    if "overage_cpm" in data:
        found["overage_cpm"] = _money(reader, data["overage_cpm"], at + "/overage_cpm", "the price of overage")
    for key, read in _PARTS.items():
        if key in data:
            found[key] = read(reader, data[key], at + pointer_of(key))
    if len(reader.findings.errors) == before:
        _check_basis(reader, found, at)
    return found if len(reader.findings.errors) == before else None


def _check_basis(reader: Reader, found: Mapping[str, Any], at: str) -> None:
    """A basis has what it is reckoned with, and nothing is said that it would not look at."""
    basis, flights = found["basis"], found.get("flights", [])
    if basis == "delivered":
        if "contracted" in found:
            message = "the basis delivered pays what was delivered, whatever was contracted"
            reader.findings.add("unknown_key", at + "/contracted", message, "leave it out, or choose another basis")
    elif "contracted" not in found and (not flights or any("contracted" not in flight for flight in flights)):
        message = f"the basis {basis} needs to know how many impressions are contracted"
        reader.findings.add("missing_key", at, message, 'such as "contracted": "1000000", here or in each flight')
    if basis == "contracted" and not flights:
        message = "the basis contracted is paid day by day over a flight"
        reader.findings.add("missing_key", at, message, "say its days: flights")
    if (basis == "contracted_plus_overage") != ("overage_cpm" in found):
        message = "overage has its own rate, overage_cpm, with the basis contracted_plus_overage and no other"
        code_at = at + "/overage_cpm" if "overage_cpm" in found else at
        reader.findings.add("missing_key", code_at, message)


def _sources(reader: Reader, given: Any, at: str) -> dict[str, Any]:
    keys = ("other", "tolerance", "fallback", "deadline_days")
    data = reader.object(given, at, ("truth",), keys, "the sources of counts")
    if data is None:
        return {}
    found: dict[str, Any] = {}
    for key in ("truth", "other", "fallback"):
        if key in data:
            found[key] = _name(reader, data[key], at + pointer_of(key))
    if "tolerance" in data:
        found["tolerance"] = _share(reader, data["tolerance"], at + "/tolerance", "the tolerance")
        if "other" not in data:
            reader.findings.add("missing_key", at, "a tolerance is between two sources: name the other one")
    if "deadline_days" in data:
        days = data["deadline_days"]
        if isinstance(days, int) and not isinstance(days, bool) and 0 <= days <= MAX_DEADLINE:
            found["deadline_days"] = days
        else:
            message = f"expected a whole number of days from 0 to {MAX_DEADLINE}; found {described(days)}"
            reader.findings.add("out_of_range", at + "/deadline_days", message)
    if found.get("other") is not None and found.get("other") == found.get("truth"):
        message = "the other source is the source of truth itself"
        reader.findings.add("unknown_choice", at + "/other", message, "name another one, or leave it out")
    if ("fallback" in data) != ("deadline_days" in data):
        message = "a fallback and a deadline go together: whose count is taken, and after how many days"
        reader.findings.add("missing_key", at, message, "say both, or neither")
    named = (found.get("truth"), found.get("other"))
    if found.get("fallback") is not None and "other" in data and found["fallback"] not in named:
        message = f"the fallback is one of the two sources; found {described(data['fallback'])}"
        reader.findings.add("unknown_choice", at + "/fallback", message)
    return found


def _deduct(reader: Reader, given: Any, at: str) -> dict[str, Any]:
    data = reader.object(given, at, (), ("invalid", "not_viewable"), "what is deducted")
    if data is None:
        return {}
    found: dict[str, Any] = {}
    if "invalid" in data:
        found["invalid"] = reader.flag(data["invalid"], at + "/invalid")
    if "not_viewable" in data:
        share = data["not_viewable"]
        what = "the share of viewable impressions"
        found["not_viewable"] = share if isinstance(share, bool) else _share(reader, share, at + "/not_viewable", what)
    return found


def _guarantee(reader: Reader, given: Any, at: str) -> dict[str, Any]:
    data = reader.object(given, at, ("amount", "window"), (), "a minimum guarantee")
    if data is None:
        return {}
    amount = _money(reader, data["amount"], at + "/amount", "the guaranteed amount")
    return {"amount": amount, "window": reader.word(data["window"], at + "/window", WINDOWS)}


def _flights(reader: Reader, given: Any, at: str) -> list[dict[str, Any]]:
    found = reader.items(
        given, at, lambda member, where: _flight(reader, member, where), most=MAX_FLIGHTS, code="too_many_members"
    )
    seen: set[str] = set()
    for index, flight in enumerate(found):
        if flight["id"] in seen:
            message = f"the id {flight['id']!r} is taken by another flight"
            reader.findings.add("duplicate_id", at + pointer_of(index, "id"), message, "choose another id")
        seen.add(flight["id"])
    for one, other in combinations(found, 2):
        if _overlap(one, other):
            message = f"the flights {one['id']} and {other['id']} share days and placements"
            place = at + pointer_of(found.index(other))
            reader.findings.note(Finding("starts_rise", message, place, "an impression belongs to one flight"))
    return found


def _flight(reader: Reader, given: Any, at: str) -> dict[str, Any] | None:
    data = reader.object(given, at, ("id", "from", "to"), ("placements", "contracted"), "a flight")
    if data is None:
        return None
    identifier = reader.identifier(data["id"], at + "/id")
    since, until = (_day(reader, data[key], at + pointer_of(key)) for key in ("from", "to"))
    if since is not None and until is not None and since >= until:
        message = f"a flight ends after it begins; found {since} up to {until}"
        reader.findings.note(Finding("starts_rise", message, at + "/to", "to is the first day that is not part of it"))
    found: dict[str, Any] = {"id": identifier, "from": str(since), "to": str(until)}
    if "placements" in data:
        found["placements"] = sorted(
            reader.items(
                data["placements"],
                at + "/placements",
                lambda member, where: _name(reader, member, where),
                most=MAX_PLACEMENTS,
                code="too_many_members",
            )
        )
        if not found["placements"]:
            reader.findings.add("empty_group", at + "/placements", "a flight of no placement", "leave it out for all")
    if "contracted" in data:
        found["contracted"] = _whole(reader, data["contracted"], at + "/contracted")
    return None if identifier is None or since is None or until is None else found


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one["from"] >= other["to"] or other["from"] >= one["to"]:
        return False
    mine, theirs = set(one.get("placements", ())), set(other.get("placements", ()))
    return not mine or not theirs or bool(mine & theirs)


def _day(reader: Reader, given: Any, at: str) -> date | None:
    found = parse_date(given) if isinstance(given, str) else None
    if found is None or not 1 < found.year < 9000:
        reader.findings.add("wrong_type", at, f"expected a local day YYYY-MM-DD; found {described(given)}")
        return None
    return found


def _name(reader: Reader, given: Any, at: str) -> str | None:
    if isinstance(given, str) and 0 < len(given) <= MAX_NAME and given.isprintable():
        return given
    message = f"expected a name of 1 to {MAX_NAME} printable characters; found {described(given)}"
    reader.findings.add("bad_identifier", at, message)
    return None


def _whole(reader: Reader, given: Any, at: str) -> str | None:
    """Return a number of impressions, which may be written as a whole JSON number or as a string."""
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    found = reader.decimal(text, at, what="a number of impressions", least=ZERO)
    if found is not None and found != found.to_integral_value():
        reader.findings.add("bad_decimal", at, f"impressions are whole ones; found {canonical(found)}")
    return None if found is None else canonical(found)


def _money(reader: Reader, given: Any, at: str, what: str) -> str | None:
    found = given if isinstance(given, Decimal) else reader.decimal(given, at, what=what, least=ZERO)
    return None if found is None else canonical(found)


def _share(reader: Reader, given: Any, at: str, what: str) -> str | None:
    found = reader.decimal(given, at, what=what, least=ZERO)
    if found is not None and found > ONE:
        message = f"{what} is a share, at most 1; found {canonical(found)}"
        reader.findings.add("out_of_range", at, message, '10 percent is "0.10"')
    return None if found is None else canonical(found)


_PARTS: Mapping[str, Any] = {
    "sources": _sources,
    "deduct": _deduct,
    "minimum_guarantee": _guarantee,
    "flights": _flights,
}


def places_of_counts(body: Any) -> Sequence[str]:
    """Return where the formulas of a payout calculate with counts as they came in, rather than with what is billable."""
    found: list[str] = []
    for key in ("rules", "bonuses"):
        for index, rule in enumerate(body.get(key) or ()):
            found += _raw(rule.get("then"), pointer_of(key, index, "then"))
    for index, limit in enumerate(body.get("limits") or ()):
        over = limit.get("over")
        if isinstance(over, Mapping):
            found += _raw(over.get("fallback"), pointer_of("limits", index, "over", "fallback"))
    return found + _raw(body.get("otherwise"), "/otherwise")


RAW = ("delivery.impressions", "delivery.viewable", "delivery.invalid")


def _raw(formula: Any, at: str) -> list[str]:
    if isinstance(formula, list):
        return [place for index, part in enumerate(formula) for place in _raw(part, at + pointer_of(index))]
    if not isinstance(formula, Mapping):
        return []
    here = [at + pointer_of(key) for key in ("of", "amount", "sum") if formula.get(key) in RAW]
    return here + [place for key, part in formula.items() for place in _raw(part, at + pointer_of(str(key)))]
