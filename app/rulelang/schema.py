"""A JSON Schema of rule bodies, for editors: made from the tables that the parser reads with. It decides nothing.

Whatever the check takes, the schema takes. What JSON Schema cannot say, the check alone refuses: `UNSAID` and
`HALF_SAID` name it by diagnostic.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.rulelang.ast import KINDS
from app.rulelang.conditions import MAX_DEPTH, MAX_GROUPS, MAX_LEAVES
from app.rulelang.facts import Catalogue, Fact
from app.rulelang.formulas import MAX_FACT_NAME
from app.rulelang.parser import CLAIMS, COUNTERS, HITS, MAX_LIMITS, MAX_NAME, MAX_RULES, SUBJECTS
from app.rulelang.reader import CODE, IDENTIFIER
from app.rulelang.schema_conditions import condition_parts, shared_parts
from app.rulelang.schema_formulas import formula_parts
from app.rulelang.schema_limits import limit_part
from app.rulelang.schema_shapes import (
    Schema,
    anchored,
    names,
    object_of,
    one_of_keys,
    ref,
    where,
    words,
)
from app.rulelang.typecheck import NUMBERS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:termline:schema:rules"
# What no schema says of a rule body: it is about several places at once, or about what facts, parameters and lists are.
UNSAID = frozenset(
    {
        "fact_of_other_subject",
        "not_for_deliveries",
        *("too_deep", "too_many_groups", "empty_range", "empty_text", "if_missing_required"),
        *("unknown_fact", "operator_not_for_type", "facts_not_comparable", "not_records", "not_a_number"),
        *("unknown_param", "unknown_list", "list_not_for_fact"),
    }
)
# What it says in part, and what of it is left to the check.
HALF_SAID = {
    "wrong_type": "what a parameter holds",
    "bad_steps": "that steps rise, and that the last one is endless",
    "bad_clamp": "that a minimum is not above its maximum",
    "duplicate_id": "that ids differ; that no rule is called otherwise is said",
    "bad_identifier": "that each character of a name is printable; line breaks are refused",
    "float_refused": "that 12.0 is no value: JSON Schema takes it for 12",
    "value_not_of_type": "that a value is of the fact's type; 12.5 is refused",
    "not_a_member": "that a value is one of the enum's words; 12.5 is refused",
    "too_many_leaves": "how many there are in all; a group has at most as many as the rule",
}

_KINDS = {
    "eligibility": "Which conversions a partner is paid for at all.",
    "attribution": "Which touches of a partner count, and whether its claim of a conversion is accepted.",
    "payout": "What is paid for a conversion.",
}
_HITS = {
    "first": "The first rule that matches pays.",
    "unique": "The one rule that matches pays; where several match, payment is held.",
    "sum": "All rules that match pay.",
}
_SUBJECTS = {
    "conversion": "Each conversion, by its own facts.",
    "delivery": "The impressions of a day, by the facts of deliveries.",
}
_CLAIMS = {"accept": "A partner's claim is accepted.", "refuse": "A partner's claim is refused."}
assert (tuple(_KINDS), tuple(_HITS), tuple(_CLAIMS), tuple(_SUBJECTS)) == (KINDS, HITS, CLAIMS, SUBJECTS)
_COMMENT = (
    f"Not said here, and refused by the check: more than {MAX_DEPTH} levels of conditions or formulas; more than {MAX_GROUPS} "
    f"groups or {MAX_LEAVES} comparisons in one rule; ids that stand twice; steps that do not rise; a minimum above its maximum; "
    "values, operators and facts that do not fit each other."
)


def rules_schema(catalogue: Catalogue | None = None, *, closed: bool = False) -> Schema:
    """Return the schema of what this release runs. Facts of the catalogue are suggested, with what they mean; when it is
    closed others are refused, which is true of programs that declare none of their own."""
    parts = {
        "eligibility": _eligibility(),
        "attribution": _attribution(),
        "payout": _payout(),
        "eligibility_rule": _rule("verdict", {"reject": "TOO_SMALL"}),
        "payout_rule": _rule("formula", {"percent": "5", "of": "order_value"}),
        "qualify_rule": _qualify_rule(),
        "verdict": _verdict(),
        "limit": limit_part(),
        "rule_id": _identifier() | {"not": {"const": "otherwise"}},
        "id": _identifier(),
        "code": _code(),
        **condition_parts("condition", ref("fact"), ref("records_fact")),
        **condition_parts("item_condition", ref("field"), ref("field")),
        **shared_parts(),
        **formula_parts(),
        **_fact_parts(list(catalogue or ()), closed=closed and catalogue is not None),
    }
    return {
        "$schema": DIALECT,
        "$id": ID,
        "$comment": _COMMENT,
        "title": "Rule body",
        "description": "Rules of one kind, as a contract version holds them.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": words(_KINDS, description="What the rules decide; the other keys depend on it.")},
        "allOf": [{"if": where("kind", {"const": kind}), "then": ref(kind)} for kind in KINDS],
        "$defs": parts,
    }


def _fact_parts(facts: Sequence[Fact], *, closed: bool) -> dict[str, Schema]:
    """Return the names of facts, by what stands in their place: any, one a formula calculates with, a field of an item."""
    records = [fact for fact in facts if fact.type == "records"]
    fields = {field.name: field for fact in records for field in fact.fields}
    numbers = [fact for fact in facts if fact.type in NUMBERS]
    return {
        "fact": {"description": "The name of a fact.", **names(facts, closed=closed)},
        "records_fact": {"description": "The name of a list of records.", **names(records, closed=closed)},
        "field": {"description": "The name of a field of an item.", **names(fields.values(), closed=closed)},
        "number_field": {
            "description": "The name of a field of an item that is a number.",
            **names([each for each in fields.values() if each.type in NUMBERS], closed=closed, most=MAX_FACT_NAME),
        },
        "number_fact": {
            "description": "The name of a fact that is a number.",
            **names(numbers, closed=closed, most=MAX_FACT_NAME),
        },
    }


def _eligibility() -> Schema:
    return object_of(
        "Eligibility",
        _KINDS["eligibility"],
        {
            "rules": _rules("eligibility_rule", "All are looked at: a reject outweighs a hold, a hold an accept."),
            "otherwise": ref("verdict", "What is said when no rule matches."),
        },
        {"kind": {"const": "eligibility"}},
    )


def _attribution() -> Schema:
    claims = words(_CLAIMS, description="What becomes of a partner's claim when no touch counts.")
    qualify = _rules("qualify_rule", "Which touches count: those that meet any of these; all, when there is none.")
    optional = {"kind": {"const": "attribution"}, "qualify": qualify}
    return object_of("Attribution", _KINDS["attribution"], {"claims": claims}, optional)


_COUNTERS = {
    "carry": "Tier counters go on with what the terms before counted of the same metric, in another window too.",
    "restart": "Tier counters begin anew with these terms.",
}
assert tuple(_COUNTERS) == COUNTERS


def _payout() -> Schema:
    held = object_of("Hold", "The conversion waits for a person.", {"hold": ref("code")}, {})
    otherwise = {"if": {"type": "object", "required": ["hold"]}, "then": held, "else": ref("formula")}
    on = words(_SUBJECTS, description='What is paid for. In YAML write "on" in quotes.')
    limits = {
        "type": "array",
        "maxItems": MAX_LIMITS,
        "items": ref("limit"),
        "description": "What may be paid at most.",
    }
    return object_of(
        "Payout",
        _KINDS["payout"],
        {
            "on": on,
            "hit": words(_HITS, description="What is paid when several rules match."),
            "rules": _rules("payout_rule", "Looked at in this order; `hit` says which pay."),
            "otherwise": {"description": 'What is paid when no rule matches, or {"hold": CODE}.', **otherwise},
        },
        {
            "kind": {"const": "payout"},
            "bonuses": _rules("payout_rule", "Paid besides, each that matches."),
            "limits": limits,
            "counters": words(
                _COUNTERS, description="Tier counters go on while metric and window stay the same, unless said."
            ),
        },
    )


def _rules(name: str, description: str) -> Schema:
    return {"type": "array", "maxItems": MAX_RULES, "items": ref(name), "description": description}


def _rule(then: str, example: Schema) -> Schema:
    required = {"id": ref("rule_id"), "when": ref("condition"), "then": ref(then)}
    shape = object_of("Rule", "When the condition is true, what follows from it.", required, {"name": _name()})
    return shape | {
        "examples": [{"id": "large", "when": {"fact": "order_value", "op": "gte", "value": "50.00"}, "then": example}]
    }


def _qualify_rule() -> Schema:
    required = {"id": ref("rule_id"), "when": ref("condition")}
    shape = object_of(
        "Qualifying touches", "When the condition is true, the touch counts.", required, {"name": _name()}
    )
    window = [{"fact": "touch.type", "op": "eq", "value": "click"}, {"fact": "touch.age", "op": "lt", "value": "P30D"}]
    return shape | {"examples": [{"id": "clicks", "when": {"all": window}}]}


def _name() -> Schema:
    # Which characters are printable no pattern says; this leaves out those that editors are most likely to let in.
    return {
        "type": "string",
        "maxLength": MAX_NAME,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u00a0\\u00ad\\u2028\\u2029]*$",
        "description": "A line for people.",
    }


def _verdict() -> Schema:
    refusals = {
        "reject": ref("code", "The conversion is not paid, for this reason."),
        "hold": ref("code", "The conversion waits for a person, for this reason."),
    }
    return {
        "title": "Verdict",
        "description": 'The word "accept", or {"reject": CODE} or {"hold": CODE}.',
        "type": ["string", "object"],
        "allOf": [
            {"if": {"type": "string"}, "then": {"const": "accept"}},
            {"if": {"type": "object"}, "then": one_of_keys(refusals)},
        ],
        "examples": ["accept", {"reject": "TOO_SMALL"}],
    }


def _identifier() -> Schema:
    text = (
        "Letters, digits, _ . and -, starting with a letter or digit, at most 64. Lines of statements are named by it."
    )
    return {"type": "string", "pattern": anchored(IDENTIFIER), "description": text}


def _code() -> Schema:
    text = "A reason: capitals, digits and _, starting with a capital, at most 64."
    return {"type": "string", "pattern": anchored(CODE), "description": text, "examples": ["TOO_SMALL"]}
