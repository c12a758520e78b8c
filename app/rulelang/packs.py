"""Packs: rules of all three kinds for one sort of partner, with parameters to be filled in. What is filled is plain rules.

Where packs are kept, and what becomes of the rules, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.core.errors import Finding, pointer_of
from app.rulelang.ast import KINDS, PLACES
from app.rulelang.bindings import Bindings, NamedList, params_named, read_list
from app.rulelang.declared import read_declared
from app.rulelang.diagnostics import Findings, described, did_you_mean
from app.rulelang.facts import Catalogue, Fact, typed_value
from app.rulelang.printer import body_lines
from app.rulelang.reader import Reader
from app.rulelang.ruleset import rules_from, with_kind

MAX_LINE, MAX_TEXT = 200, 2000
TYPES = {
    "money": "decimal",
    "percent": "decimal",
    "integer": "integer",
    "text": "text",
    "date": "date",
    "text_list": "text_list",
}
"""The types of parameters, and how facts call the same values."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a partner's terms need. Without a default it has to be given."""

    name: str
    type: str
    meaning: str
    example: Any
    default: Any = None
    min: Decimal | None = None
    max: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules that ops start from. `catalogue` has the shipped facts and those that the program has to declare (`facts`);
    `lists` are the named lists that have to be published, with examples for members."""

    name: str
    title: str
    description: str
    parameters: Mapping[str, Parameter]
    facts: Mapping[str, Any]
    lists: Mapping[str, NamedList]
    list_meanings: Mapping[str, str]
    rules: Mapping[str, Any]
    catalogue: Catalogue

    @property
    def examples(self) -> dict[str, Any]:
        """A value for each parameter without a default."""
        return {each.name: each.example for each in self.parameters.values() if each.default is None}


@dataclass(frozen=True, slots=True)
class Filled:
    """The rules by kind, the parameters of the contract version that their conditions read, and the value of each of
    the pack's parameters."""

    rules: dict[str, Any]
    params: dict[str, Any]
    values: dict[str, Any]


def filled(pack: Pack, values: Mapping[str, Any]) -> Filled | list[Finding]:
    """Return a pack's rules with these values and the defaults for others, or everything that is wrong with the values.

    Conditions keep `{"param": name}` and get the values from the contract version. Anywhere else (formulas, limits) the
    value is written into the rule, because money and rates of a formula are part of what is approved.
    """
    findings = [_unknown(pack, name) for name in values if name not in pack.parameters]
    given: dict[str, Any] = {}
    for name, parameter in pack.parameters.items():
        raw = values.get(name, parameter.default)
        value = _missing(parameter) if raw is None else read_value(parameter, raw)
        if isinstance(value, Finding):
            findings.append(value.at(pointer_of(name)))
        else:
            given[name] = value
    if findings:
        return findings
    rules = {kind: with_kind(kind, _put_in(body, given)) for kind, body in pack.rules.items()}
    read = params_named(rules)
    return Filled(rules, {name: value for name, value in given.items() if name in read}, given)


def in_words(filled: Filled, catalogue: Catalogue, lists: Mapping[str, NamedList]) -> dict[str, list[str]]:
    """Return filled rules as sentences by kind. Raises RulesRefused when the values do not go together."""
    bindings = Bindings(filled.params, lists)
    return {
        kind: body_lines(rules_from(body, catalogue, "/rules" + pointer_of(kind), bindings).body)
        for kind, body in filled.rules.items()
    }


def value_of_text(parameter: Parameter, text: str) -> Any:
    """Return what somebody typed for a parameter: a list has commas between its members, all else is as it stands.

    >>> value_of_text(Parameter("codes", "text_list", "", []), "SAVE10, VIP")
    ['SAVE10', 'VIP']
    """
    return [member.strip() for member in text.split(",")] if parameter.type == "text_list" else text


def read_value(parameter: Parameter, raw: Any) -> Any:
    """Return a raw value as rules hold it (decimals and dates as text, integers as numbers), or what is wrong with it."""
    typed = typed_value(Fact(parameter.name, TYPES[parameter.type], parameter.meaning), raw)
    if isinstance(typed, Finding):
        example = f"for example {_example_text(parameter)}"
        return Finding(typed.code, typed.message, "", typed.hint or example)
    if typed == ():
        return Finding("empty_group", f"{parameter.name} is a list without members", "", "name one at least")
    if isinstance(typed, Decimal | int) and (wrong := _out_of_range(parameter, Decimal(typed))) is not None:
        return wrong
    match typed:
        case Decimal():
            return format(typed, "f")
        case date():
            return typed.isoformat()
        case tuple():
            return list(typed)
        case _:
            return typed


def _out_of_range(parameter: Parameter, value: Decimal) -> Finding | None:
    if parameter.min is not None and value < parameter.min:
        end = f"at least {parameter.min}"
    elif parameter.max is not None and value > parameter.max:
        end = f"at most {parameter.max}"
    else:
        return None
    return Finding("out_of_range", f"{parameter.name} is {end}; found {value}", "", parameter.meaning)


def _unknown(pack: Pack, name: str) -> Finding:
    message = f"the pack {pack.name} has no parameter {described(name)}"
    return Finding("unknown_param", message, pointer_of(name), did_you_mean(name, pack.parameters))


def _missing(parameter: Parameter) -> Finding:
    message = f"{parameter.name} is needed: {parameter.meaning}"
    return Finding("missing_key", message, "", f"for example {_example_text(parameter)}")


def _example_text(parameter: Parameter) -> str:
    example = parameter.example
    return ",".join(map(str, example)) if isinstance(example, list) else str(example)


def _put_in(part: Any, values: Mapping[str, Any]) -> Any:
    """Return a part of a rule body with values for its parameters, conditions (`when`) apart."""
    if isinstance(part, list):
        return [_put_in(member, values) for member in part]
    if not isinstance(part, dict):
        return part
    if part.keys() == {"param"}:
        value = values[part["param"]]
        return str(value) if isinstance(value, int) else value  # a formula's numbers are strings
    return {key: value if key == "when" else _put_in(value, values) for key, value in part.items()}


OPTIONAL = tuple(place for place in PLACES if place not in KINDS)

# ------------------------------------------------------------------- reading


def read_pack(name: str, data: Any, known: Catalogue, findings: Findings) -> Pack | None:
    """Return the pack of a file, or None with findings. Whether its rules are good is found out when it is filled."""
    reader = Reader(findings)
    required, optional = ("title", "description", "parameters", "rules"), ("facts", "lists")
    pack = reader.object(data, "", required, optional, "a pack")
    if pack is None:
        return None
    parameters = {
        each: parameter
        for each, entry in _named(reader, pack["parameters"], "/parameters").items()
        if (parameter := _parameter(reader, each, entry, "/parameters" + pointer_of(each))) is not None
    }
    facts = read_declared(pack["facts"], known, findings, "/facts") if "facts" in pack else {}
    lists = _lists(reader, pack.get("lists", {}))
    rules = reader.object(pack["rules"], "/rules", KINDS, OPTIONAL, what="the rules of a pack") or {}
    _check_use(reader, parameters, rules)
    title = _line(reader, pack["title"], "/title", MAX_LINE)
    description = _line(reader, pack["description"], "/description", MAX_TEXT)
    if findings.errors:
        return None
    meanings = {each: entry["meaning"] for each, entry in pack.get("lists", {}).items()}
    declared = pack.get("facts", {})
    return Pack(name, title, description, parameters, declared, lists, meanings, rules, known.extended(facts))


def _named(reader: Reader, data: Any, at: str) -> dict[str, Any]:
    if isinstance(data, dict):
        return data
    reader.findings.add("wrong_type", at, f"expected an object by name; found {described(data)}")
    return {}


def _line(reader: Reader, data: Any, at: str, most: int) -> str:
    if isinstance(data, str) and 0 < len(data) <= most and data.isprintable():
        return data
    reader.findings.add("wrong_type", at, f"expected a line of 1 to {most} characters; found {described(data)}")
    return ""


def _parameter(reader: Reader, name: str, data: Any, at: str) -> Parameter | None:
    entry = reader.object(data, at, ("type", "meaning", "example"), ("default", "min", "max"), "a parameter")
    if entry is None:
        return None
    kind = reader.word(entry["type"], at + "/type", tuple(TYPES))
    meaning = _line(reader, entry["meaning"], at + "/meaning", MAX_LINE)
    if kind is None:
        return None
    ends = {
        end: reader.decimal(entry[end], at + pointer_of(end), what=f"the {end} of {name}")
        for end in ("min", "max")
        if end in entry
    }
    parameter = Parameter(name, kind, meaning, entry["example"], entry.get("default"), **ends)
    for key in ("example", "default"):
        value = read_value(parameter, entry[key]) if key in entry else None
        if isinstance(value, Finding):
            reader.findings.note(value.at(at + pointer_of(key)))
    return parameter


def _lists(reader: Reader, data: Any) -> dict[str, NamedList]:
    lists: dict[str, NamedList] = {}
    for name, given in _named(reader, data, "/lists").items():
        at = "/lists" + pointer_of(name)
        entry = reader.object(given, at, ("type", "meaning", "example"), what="a list")
        if entry is None:
            continue
        _line(reader, entry["meaning"], at + "/meaning", MAX_LINE)
        found = read_list(name, entry["type"], entry["example"])
        if isinstance(found, NamedList):
            lists[name] = found
        else:
            for finding in found:
                reader.findings.note(finding.at(at))
    return lists


def _check_use(reader: Reader, parameters: Mapping[str, Parameter], rules: Mapping[str, Any]) -> None:
    """Each parameter that the rules name is declared, and each that is declared is named."""
    named = params_named(dict(rules))
    for name in sorted(named - parameters.keys()):
        message = f"the rules name the parameter {name!r}, which the pack does not have"
        reader.findings.add("unknown_param", "/rules", message, did_you_mean(name, parameters))
    for name in sorted(parameters.keys() - named):
        reader.findings.add(
            "unknown_param", "/parameters" + pointer_of(name), f"no rule names {name!r}", "leave it out"
        )
