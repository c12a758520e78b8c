"""What rules are read with besides themselves, from files: a program's facts, parameters, named lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.cli.files import read_json
from app.rulelang.bindings import Bindings, NamedList, read_list
from app.rulelang.declared import read_declared
from app.rulelang.diagnostics import Findings, described
from app.rulelang.facts import Catalogue
from app.rulelang.reader import Reader
from app.rulelang.ruleset import refusal


@dataclass(frozen=True, slots=True)
class ReadWith:
    """What rules are read with besides themselves."""

    catalogue: Catalogue
    bindings: Bindings


def read_with(facts: Path | None, params: Path | None, lists: Path | None) -> ReadWith:
    """Return what rules are read with: the shipped facts, and what files say of others, of parameters and of lists."""
    findings = Findings()
    shipped = shipped_catalogue()
    declared = read_declared(read_json(facts), shipped, findings, str(facts)) if facts else {}
    values = read_json(params) if params else {}
    if not isinstance(values, dict):
        findings.add("wrong_type", str(params), f"expected an object of parameters by name; found {described(values)}")
    named = {}
    for name, given in (_table_of_lists(read_json(lists), str(lists), findings) if lists else {}).items():
        found = read_list(name, str(given["type"]), given["members"])
        if isinstance(found, NamedList):
            named[name] = found
        else:
            findings.all += [finding.at(f"{lists}/{name}") for finding in found]
    if findings.errors:
        raise refusal(findings.all)
    return ReadWith(shipped.extended(declared), Bindings(values, named))


def _table_of_lists(data: Any, at: str, findings: Findings) -> dict[str, Any]:
    reader = Reader(findings)
    if not isinstance(data, dict):
        findings.add("wrong_type", at, f"expected an object of lists by name; found {described(data)}")
        return {}
    return {
        name: given
        for name, given in data.items()
        if reader.object(given, f"{at}/{name}", ("type", "members"), ("description",), "a list") is not None
    }
