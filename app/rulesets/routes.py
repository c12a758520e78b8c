"""Addresses of the rulesets room."""

from __future__ import annotations

from typing import Any

from app.rulelang.printer import body_lines
from app.rulelang.ruleset import check_rules
from app.rulesets.schemas import RuleBody, RulesChecked
from app.runtime import Context
from app.web.blueprint import Room

routes = Room("rules", __name__, "Rule bodies, checked without storing them.")
EXAMPLE = {
    "kind": "payout",
    "on": "conversion",
    "hit": "first",
    "rules": [{"id": "base", "when": {"always": True}, "then": {"percent": "6", "of": "order_value"}}],
    "otherwise": {"flat": "0"},
}


@routes.writes("/rules/check", needs="preview", takes=RuleBody, whole="body", shows=RulesChecked, example=EXAMPLE)
def check_rule_body(ctx: Context, body: Any) -> dict[str, Any]:
    """Check a rule body and read it back as text.

    The request's body is the rule body itself, and nothing is stored. All defects are reported at once, each with a
    JSON Pointer and, where we can guess what was meant, a hint. A body with defects is answered with 200 and
    `ok: false`: the check has worked.
    """
    rules, findings = check_rules(body, ctx.catalogue)
    checked = {"ok": rules is not None, "hash": rules and rules.hash}
    words = body_lines(rules.body) if rules else []
    return {**checked, "findings": [finding.as_dict() for finding in findings], "in_words": words}
