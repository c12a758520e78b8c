"""The tests beside a pack catch what could be wrong with it: each small fault put into its rules makes a case differ."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, pack_tests, shipped_pack
from app.core.errors import AppError
from app.engine.reference import ReferenceMatcher
from app.rulelang.packs import Pack
from app.runtime import Runtime
from app.scenarios.pack_tests import pack_stories
from app.scenarios.run_scenario import run_scenario
from app.scenarios.scratch import scratch_database, taken_back
from tests.builders.bodies import places

SWAPPED = {
    "gt": "gte",
    "gte": "gt",
    "lt": "lte",
    "lte": "lt",
    "eq": "neq",
    "neq": "eq",
    "in": "not_in",
    "not_in": "in",
    "contains_any": "contains_all",
}
OTHER = {"all": "any", "any": "all", "any_item": "every_item", "every_item": "any_item"}
ABSENT = {"match": "no_match", "no_match": "match"}
Fault = Callable[[Any], None]


def faults(part: Any, pack: Pack) -> Iterator[tuple[str, Fault]]:
    """Yield what can be wrong with one part of the rules: what it is called, and a function that does it to the part."""
    if isinstance(part, list):
        for index in range(len(part)):
            if isinstance(part[index], dict):
                yield f"without {index}", lambda given, index=index: given.pop(index)
        return
    if not isinstance(part, dict):
        return
    if (op := part.get("op")) in SWAPPED:
        yield f"not {op}", lambda given: given.update({"if_missing": "no_match", **given, "op": SWAPPED[given["op"]]})
    if "if_missing" in part:
        yield "absent", lambda given: given.update(if_missing=ABSENT[given["if_missing"]])
    for word in OTHER.keys() & part.keys():
        yield f"not {word}", lambda given, word=word: given.update({OTHER[word]: given.pop(word)})
    if "clamp" in part:
        yield "without its ends", lambda given: _replaced(given, given["clamp"])
    if "steps" in part:
        yield "of the order alone", lambda given: given.update(window="event")
    if part.keys() == {"param"}:
        kind = pack.parameters[part["param"]].type
        for other in pack.parameters.values():
            if other.type == kind and other.name != part["param"]:
                yield f"{other.name} instead", lambda given, other=other: given.update(param=other.name)


def _replaced(given: dict[str, Any], by: dict[str, Any]) -> None:
    given.clear()
    given.update(by)


def with_faults(pack: Pack) -> Iterator[tuple[str, Pack]]:
    """Yield the pack with one fault at a time, and where that is."""
    for path in places(pack.rules):
        for name, put_in in faults(_at(pack.rules, path), pack):
            rules = copy.deepcopy(pack.rules)
            put_in(_at(rules, path))
            fields = {field: getattr(pack, field) for field in Pack.__slots__}
            yield f"{'/'.join(map(str, path))} {name}", Pack(**{**fields, "rules": rules})


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


@pytest.mark.slow
@pytest.mark.parametrize("name", pack_names())
def test_each_fault_makes_a_case_differ(database: Engine, name: str) -> None:
    document, tried, missed = pack_tests(name), 0, []
    with scratch_database(database) as connection:
        runtime = Runtime(connection, ReferenceMatcher(), shipped_catalogue())
        for where, pack in with_faults(shipped_pack(name)):
            tried += 1
            for story in pack_stories(pack, document):
                try:
                    with taken_back(connection):
                        if run_scenario(runtime, story).diff:
                            break
                except AppError:  # rules that are refused cannot be approved either
                    break
            else:
                missed.append(where)
    assert missed == []
    assert tried >= 20
