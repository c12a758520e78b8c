"""What the rulesets room reads and shows."""

from __future__ import annotations

from marshmallow import INCLUDE, fields

from app.rulelang.ast import KINDS
from app.web.fields import Flag, Word
from app.web.problem_schema import Finding
from app.web.schema import Strict


class RuleBody(Strict):
    """A rule body. This only documents it: `app.rulelang` reads it and says what is wrong."""

    class Meta:
        unknown = INCLUDE

    kind = Word(KINDS, required=True, metadata={"description": "What the rules decide; the other keys depend on it."})


class RulesChecked(Strict):
    """What there is to say of a rule body."""

    ok = Flag(metadata={"description": "Whether the body can be used. Warnings do not stand against it."})
    hash = fields.String(
        allow_none=True,
        metadata={"description": "SHA-256 of the canonical body; every decision made with it carries it."},
    )
    findings = fields.List(fields.Nested(Finding), metadata={"description": "Errors and warnings."})
    in_words = fields.List(
        fields.String(), metadata={"description": "The rules as sentences, for whoever approves them."}
    )
