"""How many people have to approve a version, and why: the policy of a program, applied. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.core.errors import Finding, pointer_of
from app.core.money import canonical, parse_decimal
from app.rulelang.diagnostics import Findings, described
from app.rulelang.reader import Reader

DEFAULT: dict[str, Any] = {"approvals": 1}
MOST, MAX_STEPS = 10, 20


@dataclass(frozen=True, slots=True)
class Change:
    """What a policy looks at: the contract's value, whether the change reaches back, and which limits it loosens."""

    value: Decimal | None
    is_backdated: bool
    loosened: Sequence[str] = ()


def approvals_needed(policy: Mapping[str, Any], change: Change) -> tuple[int, list[str]]:
    """Return how many approvals a change needs, and a sentence for each thing that asks for more than the usual."""
    usual = int(policy["approvals"])
    asked: list[tuple[int, str]] = []
    if change.is_backdated and "backdated" in policy:
        asked.append((policy["backdated"], "it reaches back into the past"))
    if change.loosened and "loosened_limits" in policy:
        asked.append((policy["loosened_limits"], "; ".join(change.loosened)))
    asked += [
        (step["approvals"], f"the contract's value {canonical(change.value)} is over {step['over']}")
        for step in policy.get("value_over", ())
        if change.value is not None and change.value > Decimal(step["over"])
    ]
    more = [(count, why) for count, why in asked if count > usual]
    because = [f"{count} approvals: {why}" for count, why in more]
    return max([usual, *(count for count, _ in more)]), because


def read_policy(data: Any) -> tuple[dict[str, Any], list[Finding]]:
    """Return a policy in its normal form and everything that is wrong with it.

    `{"approvals": 1, "backdated"?: 2, "loosened_limits"?: 2, "value_over"?: [{"over": "100000", "approvals": 2}]}`
    """
    findings = Findings()
    reader = Reader(findings)
    given = reader.object(data, "", ("approvals",), ("backdated", "loosened_limits", "value_over"), "a policy")
    if given is None:
        return {}, findings.all
    policy: dict[str, Any] = {
        key: _count(findings, given[key], pointer_of(key))
        for key in ("approvals", "backdated", "loosened_limits")
        if key in given
    }
    if "value_over" in given:
        policy["value_over"] = reader.items(
            given["value_over"],
            "/value_over",
            lambda step, at: _step(reader, step, at),
            most=MAX_STEPS,
            code="too_many_members",
        )
    return policy, findings.all


def _step(reader: Reader, data: Any, at: str) -> dict[str, Any] | None:
    step = reader.object(data, at, ("over", "approvals"), (), "a step")
    if step is None:
        return None
    over = parse_decimal(step["over"]) if isinstance(step["over"], str) else None
    if over is None or over < 0:
        message = f'expected an amount as a string, such as "100000.00"; found {described(step["over"])}'
        reader.findings.add("wrong_type", at + "/over", message)
    count = _count(reader.findings, step["approvals"], at + "/approvals")
    return None if over is None else {"over": canonical(over), "approvals": count}


def _count(findings: Findings, given: Any, at: str) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MOST:
        return given
    findings.add("out_of_range", at, f"expected a number of people from 1 to {MOST}; found {described(given)}")
    return 1
