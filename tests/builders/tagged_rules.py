"""Rules that accept everything and are named by a tag: a payout pays it. Some read a list, some a parameter."""

from __future__ import annotations

from typing import Any

from tests.builders.agreements import CLAIMS


def body_of(kind: str, tag: str) -> dict[str, Any]:
    """Return rules that accept everything and pay an amount that names them."""
    if kind == "payout":
        return {"kind": kind, "on": "conversion", "hit": "first", "rules": [], "otherwise": {"flat": tag}}
    if kind == "attribution":
        return CLAIMS
    when: dict[str, Any] = {"always": True}
    if reads_list(kind, tag):
        when = {"fact": "customer_id", "op": "in", "value": {"list": "vips"}, "if_missing": "no_match"}
    if reads_minimum(kind, tag):
        when = {"fact": "order_value", "op": "gte", "value": {"param": "minimum"}}
    return {"kind": kind, "rules": [{"id": f"e{tag}", "when": when, "then": "accept"}], "otherwise": "accept"}


def reads_list(kind: str, tag: str) -> bool:
    """Every third eligibility reads a list, and every third a parameter."""
    return kind == "eligibility" and int(tag) % 3 == 0


def reads_minimum(kind: str, tag: str) -> bool:
    """Tell whether rules read the parameter `minimum`; a draft of such rules gives it the value of their tag."""
    return kind == "eligibility" and int(tag) % 3 == 1


def params_of(bodies: dict[str, Any]) -> dict[str, str]:
    """Return the parameters that are given with rules."""
    tag = bodies["eligibility"]["rules"][0]["id"][1:] if "eligibility" in bodies else "0"
    return {"minimum": tag} if reads_minimum("eligibility", tag) else {}
