"""What the difference of two contract versions looks like. It is built by `diff_describe.py`; here it is documented."""

from __future__ import annotations

from marshmallow import fields

from app.rulelang.ast import PLACES
from app.web.fields import Flag, Identifier, InstantField, Whole, Word
from app.web.schema import Strict

CHANGES = ("added", "removed", "changed", "moved")


class DiffQuery(Strict):
    """What to compare with."""

    against = Whole(1, 999_999_999, metadata={"description": "The number of another version; its base, when left out."})


class ValuesChanged(Strict):
    """What a comparison takes from a parameter or a list."""

    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)


class PartChanged(Strict):
    """A part that is new, gone, different, or in another order."""

    path = fields.String(
        metadata={"example": "/rules/base/then", "description": "Where it is: rules and limits by their ids."}
    )
    change = Word(CHANGES)
    before = fields.Raw(allow_none=True, metadata={"description": "What was there; null where there was nothing."})
    after = fields.Raw(allow_none=True, metadata={"description": "What is there now; null where there is nothing."})
    says = fields.String(metadata={"example": "base: pays 7 % of order_value instead of 6 % of order_value"})
    at = Whole(0, 10_000, metadata={"description": "The place of a rule that is new."})
    values = fields.Nested(
        ValuesChanged,
        metadata={"description": "What it stands for, where it names a parameter or a list of up to 100 members."},
    )
    parts = fields.List(
        fields.Nested(lambda: PartChanged()), metadata={"description": "The parts of a condition that differ."}
    )
    loosens = Flag(metadata={"description": "True for a limit that lets more through than before; else left out."})


class RuleVersionChanged(Strict):
    """What became of the rules of a kind from a start on."""

    kind = Word(PLACES)
    effective_from = InstantField()
    change = Word(
        (*CHANGES[:3], "same"), metadata={"description": "`added`: a start that was none. `removed`: one that is gone."}
    )
    rules = fields.String(allow_none=True, metadata={"example": "acme/2/payout/1"})
    compared_with = fields.String(
        allow_none=True,
        metadata={"example": "acme/1/payout/1", "description": "What the other version has in force at that start."},
    )
    changes = fields.List(fields.Nested(PartChanged))


class VersionDiffShown(Strict):
    """What a contract version says otherwise than another one."""

    contract = Identifier()
    number = Whole(1, 999_999_999)
    against = Whole(
        1, 999_999_999, allow_none=True, metadata={"description": "Null: there is none, and all of it is new."}
    )
    same = Flag(metadata={"description": "Whether nothing has changed."})
    in_words = fields.List(fields.String())
    attributes = fields.List(fields.Nested(PartChanged))
    rule_versions = fields.List(fields.Nested(RuleVersionChanged))
    loosened_limits = fields.List(fields.Nested(PartChanged), metadata={"description": "Limits removed or raised."})
    check = fields.String(
        metadata={
            "example": "/v1/contracts/acme/versions/2/check",
            "description": "Where to see whether any conversion is decided differently, with an example.",
        }
    )
