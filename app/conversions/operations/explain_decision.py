"""Explain a decision: made again from what it was made of, and compared with what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.contracts.mapping import terms_decided_under
from app.contracts.repository import contract_named, versions_of
from app.conversions.errors import DecisionNotFound, DecisionNotReproduced
from app.conversions.mapping import decision_data, engine_conversion
from app.conversions.operations.preview_decision import Preview
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import (
    conversion_known,
    current_decision,
    decision_known,
    programs_with_conversion,
)
from app.engine.counters import counters_of
from app.engine.decision import digest_of
from app.engine.terms import Terms
from app.engine.trace import Trace, explain
from app.runtime import Context
from app.store.models import Decision as DecisionRow


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision as it is stored, its trace, and it in words."""

    decision: dict[str, Any]
    trace: dict[str, Any] | None
    words: list[str]

    def as_dict(self) -> dict[str, Any]:
        return {**self.decision, "trace": self.trace, "in_words": self.words}


def explain_decision(ctx: Context, decision_id: str) -> Explanation:
    """Return a decision with its trace.

    Raises DecisionNotReproduced if deciding again from the same inputs does not give the same digest: then either the
    data or the engine was changed, and nobody should rely on it until it is known which.
    """
    row = decision_known(ctx.session, decision_id)
    conversion_row = conversion_known(ctx.session, row.program_id, row.conversion_id)
    if row.contract_id is None or row.contract_version is None:
        return Explanation(decision_data(row), None, _without_terms(row.record))
    terms = _terms_of(ctx, row)
    conversion = engine_conversion(
        row.program_id,
        row.conversion_id,
        row.event_at,
        conversion_row.partner,
        conversion_row.facts,
        row.customer_order_number,
        ctx.catalogue,
    )
    before = {counter: Decimal(row.before[counter.name]) for counter in counters_of(terms.payout_body)}
    trace: Trace = explain(terms, conversion, before)
    digest = digest_of(trace.decision.as_dict())
    if digest != row.digest:
        raise DecisionNotReproduced(
            f"Deciding {row.conversion_id} again does not give the decision that is stored ({row.id}). "
            "Nothing was changed. Please report this: the data or the engine is not what it was.",
            stored=row.digest,
            recomputed=digest,
        )
    return Explanation(decision_data(row), trace.data, trace.words)


def explain_preview(preview: Preview) -> Explanation:
    """Return a previewed decision with its trace."""
    record = preview.decision.as_dict()
    if preview.terms is None:
        return Explanation({**record, "digest": digest_of(record)}, None, _without_terms(record))
    trace = explain(preview.terms, preview.conversion, preview.before)
    return Explanation({**record, "digest": digest_of(record)}, trace.data, trace.words)


def find_decision(ctx: Context, name: str, program: str | None = None) -> DecisionRow:
    """Return a decision by its id, or the current one by the id of its conversion."""
    if name.startswith("dec_"):
        return decision_known(ctx.session, name)
    programs = [program] if program else programs_with_conversion(ctx.session, name)
    if len(programs) != 1:
        found = "no program has" if not programs else f"the programs {', '.join(programs)} each have"
        raise DecisionNotFound(f"{found.capitalize()} a conversion {name!r}. Name the program too.")
    settle_program(ctx, programs[0])
    conversion_known(ctx.session, programs[0], name)
    decision = current_decision(ctx.session, programs[0], name)
    assert decision is not None  # settling leaves none undecided
    return decision


def _terms_of(ctx: Context, row: DecisionRow) -> Terms:
    """Return the terms the decision was made under."""
    assert row.contract_id is not None
    contract = contract_named(ctx.session, row.contract_id)
    return terms_decided_under(contract, versions_of(ctx.session, row.contract_id), row.record, ctx.catalogue)


def _without_terms(record: dict[str, Any]) -> list[str]:
    reasons = [f"{reason['code']}: {reason.get('actual', 'no partner claims it')}" for reason in record["reasons"]]
    return [f"{record['conversion']} is {record['outcome']}. {'; '.join(reasons)}."]
