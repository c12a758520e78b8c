"""What the rulesets room reads and shows."""

from __future__ import annotations

from marshmallow import INCLUDE, fields

from app.rulelang.ast import KINDS
from app.rulelang.bindings import LIST_TYPES
from app.web.fields import Flag, Identifier, InstantField, Object, Text, Whole, Word
from app.web.problem_schema import Finding
from app.web.schema import Strict

CALCULATED = "^-?[0-9]+(\\.[0-9]+)?$"


class RuleBody(Strict):
    """A rule body. This only documents it: `app.rulelang` reads it and says what is wrong."""

    class Meta:
        unknown = INCLUDE

    kind = Word(KINDS, required=True, metadata={"description": "What the rules decide; the other keys depend on it."})


class DecisionTable(Strict):
    """Rules as a table: a row a rule, a column for each fact that is compared, what follows last."""

    columns = fields.List(fields.String(), metadata={"example": ["rule", "order_value", "then"]})
    rows = fields.List(
        fields.List(fields.String()),
        metadata={"description": "A cell for each column.", "example": [["large", "≥ 200.00", "6 % of order_value"]]},
    )


class RulesPair(Strict):
    """Two rule bodies of one kind."""

    old = Object(required=True, metadata={"description": "The rule body as it was."})
    new = Object(required=True, metadata={"description": "The rule body as it is to be."})


class ExampleConversion(Strict):
    """A conversion that shows something; it can be sent as it is, with an id, program and partner added."""

    event_at = InstantField(required=True, metadata={"description": "When it happened."})
    timezone = fields.String(
        required=True,
        metadata={"description": "The zone in which its local date and hour were meant.", "example": "UTC"},
    )
    facts = Object(required=True, metadata={"description": "What it carries."})
    customer_order_number = fields.Integer(
        metadata={"description": "Which order of its customer it has to be, where rules ask for that."}
    )


class QuantityTotal(Strict):
    """What a quantity is paid in all, or what a limit leaves of an amount."""

    # What is calculated may be longer than what can be written: a price of 18 digits times a quantity of 18.
    quantity = fields.String(
        required=True,
        metadata={"description": "The quantity, or the amount that is due.", "pattern": CALCULATED, "example": "11"},
    )
    total = fields.String(
        required=True, metadata={"description": "What is paid for it.", "pattern": CALCULATED, "example": "44"}
    )


class Witness(Strict):
    """What shows a finding. Conversions were decided by the reference evaluator, so this is what will happen."""

    says = fields.String(required=True, metadata={"description": "What the example shows."})
    conversion = fields.Nested(ExampleConversion)
    matched = fields.List(fields.String(), metadata={"description": "The ids of the rules that match it."})
    totals = fields.List(fields.Nested(QuantityTotal), metadata={"description": "For tier tables and limits."})


class RuleFinding(Finding):
    """One thing that is wrong with rules, or that they can never do."""

    witness = fields.Nested(Witness, metadata={"description": "An example, for what the analysis finds."})


class RulesChecked(Strict):
    """What there is to say of a rule body."""

    ok = Flag(metadata={"description": "Whether the body can be used. Warnings do not stand against it."})
    hash = fields.String(
        allow_none=True,
        metadata={"description": "SHA-256 of the canonical body; every decision made with it carries it."},
    )
    findings = fields.List(
        fields.Nested(RuleFinding), metadata={"description": "Errors, warnings, and what was not decided."}
    )
    in_words = fields.List(
        fields.String(), metadata={"description": "The rules as sentences, for whoever approves them."}
    )
    table = fields.Nested(
        DecisionTable, allow_none=True, metadata={"description": "The same as a table; null for rules with errors."}
    )


class RulesCompared(Strict):
    """Whether two rule bodies decide every conversion alike."""

    same = Flag(
        required=True,
        allow_none=True,
        metadata={"description": "True if they do, false if not, null if that took too long to find out."},
    )
    says = fields.String(required=True, metadata={"description": "The answer in words."})
    before = fields.String(metadata={"description": "What the old rules make of the example."})
    after = fields.String(metadata={"description": "What the new rules make of it."})
    conversion = fields.Nested(ExampleConversion)
    already = Object(metadata={"description": "What the contract's counters have to hold before it, by name."})


class NewQuote(Strict):
    """A formula and what it is to be priced for. `app.rulelang` reads the formula and says what is wrong with it."""

    formula = Object(required=True, metadata={"description": "The formula, as a payout rule has it under `then`."})
    facts = Object(
        required=True,
        metadata={
            "description": "What it calculates with, by any names: numeric strings. A list of items has its fields."
        },
    )
    before = Object(
        metadata={
            "description": "What the window held before: `count` conversions, and the `sum` of what is summed.",
            "example": {"count": "8", "sum": "1200.00"},
        }
    )
    currency = fields.String(
        metadata={
            "description": "ISO 4217; the amount is rounded to its minor unit. USD unless given.",
            "example": "USD",
        }
    )
    id = fields.Raw(metadata={"description": "Yours; it is shown with the answer."})
    source = fields.Raw(metadata={"description": "Yours: where a case is from. It is not read."})
    expect = fields.Raw(metadata={"description": "Yours: what it should come to. It is not read."})


class QuoteShown(Strict):
    """What a formula is worth."""

    id = fields.Raw(metadata={"description": "That of the quote, if it had one."})
    amount = fields.String(
        required=True,
        metadata={"description": "Rounded to the currency.", "pattern": CALCULATED, "example": "300.00"},
    )
    amount_precise = fields.String(
        required=True, metadata={"description": "Before rounding.", "pattern": CALCULATED, "example": "300"}
    )
    currency = fields.String(required=True, metadata={"example": "USD"})
    steps = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Each calculation in words, innermost first."},
    )


MEMBERS = fields.List(
    fields.Raw(metadata={"type": ["string", "integer"]}),
    required=True,
    metadata={
        "description": "1 to 10,000 values of the type, decimals as strings. Order and repetition say nothing.",
        "example": ["SAVE10", "VIP"],
        "minItems": 1,
        "maxItems": 10_000,
    },
)


class NewList(Strict):
    """A named list to be published."""

    id = Identifier(required=True, metadata={"example": "vip_codes", "description": "How rules name it."})
    type = Word(LIST_TYPES, required=True, metadata={"description": "What its members are."})
    members = MEMBERS
    description = Text(metadata={"description": "For people: what it is, and where it comes from."})


class NewListVersion(Strict):
    """All members that a list has from now on."""

    members = MEMBERS


class ListSummary(Strict):
    """A named list, without its members."""

    id = Identifier(metadata={"example": "vip_codes"})
    type = Word(LIST_TYPES)
    description = Text(allow_none=True)
    created_by = Text(metadata={"example": "dana"})
    created_at = InstantField()


class ListShown(ListSummary):
    """A version of a named list."""

    version = Whole(1, 999_999_999)
    hash = fields.String(metadata={"description": "SHA-256 of type and members; rules are pinned to it."})
    count = Whole(1, 10_000)
    members = fields.List(fields.String())
    published_by = Text(metadata={"example": "dana"})
    published_at = InstantField()
