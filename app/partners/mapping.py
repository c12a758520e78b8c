"""Rows to engine values: the facts that rules of a program may read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from app.core.errors import Finding
from app.rulelang.declared import read_declared
from app.rulelang.diagnostics import Findings
from app.rulelang.facts import Catalogue
from app.store.models import Program


def catalogue_of(program: Program, shipped: Catalogue) -> Catalogue:
    """Return the shipped facts and those of a program. The same facts are the same catalogue, so that what was checked
    against it can be kept."""
    return _extended(orjson.dumps(program.facts, option=orjson.OPT_SORT_KEYS), shipped) if program.facts else shipped


def check_declared(facts: Any, known: Catalogue, at: str) -> list[Finding]:
    """Return everything that is wrong with facts that a program declares."""
    findings = Findings()
    read_declared(facts, known, findings, at)
    return findings.all


@lru_cache(maxsize=1000)
def _extended(facts: bytes, shipped: Catalogue) -> Catalogue:
    findings = Findings()
    # Beside none: a later release may ship a fact that a program had declared already.
    declared = read_declared(orjson.loads(facts), Catalogue({}), findings)
    assert not findings.all, findings.all  # they were checked when they were declared
    return shipped.extended(declared)
