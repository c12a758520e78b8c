"""The difference of two contract versions as data for people and programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.contracts.diff import RulesChanged
from app.contracts.operations.diff_version import VersionDiff
from app.core.instants import write_instant

NOTHING = "nothing has changed"


def diff_data(found: VersionDiff) -> dict[str, Any]:
    """Return what changed, as data and in words."""
    version = found.version
    return {
        "contract": version.contract_id,
        "number": version.number,
        "against": found.against,
        "same": found.is_same,
        "in_words": list(diff_lines(found)),
        "attributes": [change.as_dict() for change in found.attributes],
        "rule_versions": [_rules_data(rules) for rules in found.rules],
        "loosened_limits": [change.as_dict() for change in found.loosened_limits],
        "check": f"/v1/contracts/{version.contract_id}/versions/{version.number}/check",
    }


def diff_lines(found: VersionDiff) -> Iterator[str]:
    """Yield what changed, one sentence a line; what is said of rules stands behind the line that names them."""
    if found.is_same:
        yield NOTHING
        return
    yield from (change.says for change in found.attributes)
    for rules in found.rules:
        if rules.change is None:
            continue
        yield f"{rules.says}{':' if rules.changes else ''}"
        yield from (f"  {change.says}{LOOSENS if change.loosens else ''}" for change in rules.changes)


LOOSENS = " (more can be paid than before)"


def _rules_data(rules: RulesChanged) -> dict[str, Any]:
    return {
        "kind": rules.kind,
        "effective_from": write_instant(rules.effective_from),
        "change": rules.change or "same",
        "rules": rules.rules,
        "compared_with": rules.compared_with,
        "changes": [change.as_dict() for change in rules.changes],
    }
