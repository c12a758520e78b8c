"""Explain a decision: made again from what it was made of, and compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.contracts.mapping import terms_decided_under
from app.contracts.repository import contract_named, versions_of
from app.contracts.vocabulary import facts_of_contract, pinned_lists
from app.conversions.correction import fact_changes
from app.conversions.errors import DecisionNotFound, DecisionNotReproduced
from app.conversions.life import Life, life_data, life_words
from app.conversions.mapping import decision_data, engine_conversion, retired_by
from app.conversions.operations.get_conversion import get_conversion
from app.conversions.operations.preview_decision import Preview
from app.conversions.operations.trace_life import lives_of
from app.conversions.repository import (
    conversion_known,
    corrections_of,
    decided_together,
    decision_known,
    decisions_of,
    facts_at,
    programs_with_conversion,
    reversals_of,
    touches_of,
)
from app.core.as_of import read_as_of, when_asked
from app.core.instants import write_instant
from app.engine.attribution import ProgramModel
from app.engine.counters import Before, counters_of
from app.engine.decision import Decision, Outcome, Reason, digest_of, record_of
from app.engine.evaluate import Case, undecided
from app.engine.exchange import Exchange, Rate
from app.engine.factsheet import Conversion
from app.engine.terms import NoTerms, Terms
from app.engine.trace import Trace, explain
from app.partners.mapping import catalogue_of
from app.partners.operations.get_program import get_program
from app.partners.repository import program_named
from app.rulelang.facts import Catalogue
from app.runtime import Context
from app.store.models import Conversion as ConversionRow
from app.store.models import Decision as DecisionRow
from app.store.rows import json_text


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision as it is stored, its trace, and it in words."""

    decision: dict[str, Any]
    trace: dict[str, Any] | None
    words: list[str]
    # Where the conversion is in its life under it; None where another decision took its place, or nothing was kept.
    life: Life | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a decision that was not kept as data."""
        return {**self.decision, "trace": self.trace, "in_words": self.words}

    def as_kept(self) -> dict[str, Any]:
        """Return a stored decision as data."""
        return {**self.as_dict(), "life": None if self.life is None else life_data(self.life)}


def explain_decision(ctx: Context, decision_id: str, as_of: str | datetime | None = None) -> Explanation:
    """Return a decision with its trace, as it was known at an instant.

    Raises DecisionNotReproduced if deciding again from the same inputs does not give the same digest: then either the
    data or the engine was changed, and nobody should rely on it until it is known which.
    """
    known_at = _instant_asked(ctx, decision_id, as_of)
    row = decision_known(ctx.session, decision_id, known_at)
    stored = conversion_known(ctx.session, row.program_id, row.conversion_id)
    with _everything(ctx) as whole:
        case, before = _case_of(whole, row, stored)
    if row.contract_version is None or row.partner is None:
        decided, data, words = _again_without_terms(row, case.conversion), None, _without_terms(row.record)
    else:
        trace: Trace = explain(case, row.partner, before)
        decided, data, words = trace.decision, trace.data, trace.words
    digest = digest_of(decided.as_dict())
    if digest != row.digest or digest_of(record_of(row.record)) != row.digest:
        raise DecisionNotReproduced(
            f"Deciding {row.conversion_id} again does not give the decision that is stored ({row.id}). "
            "Nothing was changed. Please report this: the data or the engine is not what it was.",
            stored=row.digest,
            recomputed=digest,
        )
    lives = [] if retired_by(row, known_at) else lives_of(ctx, [row], known_at)
    more = [*_corrected(ctx, row, stored), *_retirement(ctx, row, known_at)]
    more += [sentence for life in lives for sentence in life_words(life)]
    return Explanation(decision_data(row, known_at), data, [*words, *more], lives[0] if lives else None)


@contextmanager
def _everything(ctx: Context) -> Iterator[Context]:
    """Give a context that sees what a decision was made of: a partner that reads its own does not see the others'."""
    if ctx.partner is None:
        yield ctx
    else:
        with ctx.as_application() as whole:
            yield whole


def _case_of(ctx: Context, row: DecisionRow, stored: ConversionRow) -> tuple[Case, dict[str, Before]]:
    """Return what a decision was made of, for all partners that the conversion concerned then, and what the counters of
    their contracts held, by contract."""
    program = program_named(ctx.session, row.program_id)
    touches = touches_of(ctx.session, row.program_id, row.conversion_id)
    catalogue = catalogue_of(program, ctx.catalogue)
    number = row.customer_order_number
    facts = facts_at(ctx.session, stored, row.correction)
    # As many reversals as it knew; those that were recorded since are in the decisions after it.
    back = reversals_of(ctx.session, row.program_id, row.conversion_id)[: row.reversals]
    conversion = engine_conversion(
        row.program_id,
        row.conversion_id,
        row.event_at,
        stored.partner,
        facts,
        number,
        catalogue,
        touches,
        back,
        received_at=stored.received_at,
        duplicate_of=row.duplicate_of,
    )
    terms: dict[str, Terms | NoTerms] = {}
    before: dict[str, Before] = {}
    decided = decided_together(ctx.session, row)
    for one in decided:
        if one.partner is not None:
            found = terms[one.partner] = _terms_of(ctx, one)
            if isinstance(found, Terms):
                before[found.contract.id] = _before_of(found, one)
    exchange = _exchange_used(decided, catalogue)
    return Case(conversion, terms, ProgramModel(), program.currency, exchange), before


def _exchange_used(decided: Sequence[DecisionRow], catalogue: Catalogue) -> Exchange:
    """Return the rates that decisions were made at: others may have been recorded since. Where none of them says that
    money was converted, none is: that is how decisions were made before there were rates."""
    said = [one.record["fx"] for one in decided if "fx" in one.record]
    if not said:
        return Exchange()
    used = {
        (fx["from"], fx["to"], fx["date"]): Rate(Decimal(fx["rate"]), fx["source"])
        for fx in said
        if "rate" in fx and "date" in fx
    }
    return Exchange(catalogue, lambda source, target, day, final_at: used.get((source, target, day.isoformat())))


def _before_of(terms: Terms, row: DecisionRow) -> Before:
    counters = counters_of(terms.payout_body)
    return {counter: Decimal(row.before[counter.name]) for counter in counters if counter.name in row.before}


def _instant_asked(ctx: Context, decision_id: str, as_of: str | datetime | None) -> datetime:
    """Return the instant that is asked about; a date is local to the program of the decision, if there is one."""
    row = ctx.session.get(DecisionRow, decision_id)
    return read_as_of(as_of, ctx.now()) if row is None else get_program(ctx, program=row.program_id, as_of=as_of)[1]


def _again_without_terms(row: DecisionRow, conversion: Conversion) -> Decision:
    """Return the decision on a conversion without terms, made of the conversion as it is stored now.

    Why there were no terms is history (a partner may have become known since), so the reason is the recorded one.
    """
    reasons = tuple(Reason(**reason) for reason in row.record["reasons"])
    outcome: Outcome = "no_contract" if row.outcome == "no_contract" else "unattributed"
    return undecided(conversion, outcome, reasons, row.contract_id, row.currency)


def _corrected(ctx: Context, row: DecisionRow, stored: ConversionRow) -> list[str]:
    """Return the sentences that say which corrections the facts of a decision come from."""
    said, before = [], stored.facts
    for correction in corrections_of(ctx.session, row.program_id, [row.conversion_id]):
        if correction.number > row.correction:
            break
        changes = ", ".join(
            f"{change['fact']} {_fact_words(change['after'])} instead of {_fact_words(change['before'])}"
            for change in fact_changes(before, correction.facts)
        )
        when, who = write_instant(correction.recorded_at), correction.corrected_by
        said.append(f"Its facts were corrected at {when} by {who} ({correction.reason}): {changes}.")
        before = correction.facts
    return said


def _fact_words(value: Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json_text(value)


def _retirement(ctx: Context, row: DecisionRow, as_of: datetime) -> list[str]:
    """Return the sentence that says which decision took the place of this one, if one had by then."""
    retired_at = retired_by(row, as_of)
    if retired_at is None:
        return []
    newer = decisions_of(ctx.session, row.program_id, row.conversion_id, as_of)
    mine = [decision for decision in reversed(newer) if decision.partner == row.partner]
    successor = next((decision for decision in mine if decision.revision > row.revision), None)
    if successor is None:
        return [
            f"It was retired at {write_instant(retired_at)}: the conversion does not concern this partner any more."
        ]
    return [f"It was retired at {write_instant(retired_at)}; the decision {successor.id} took its place."]


def explain_preview(preview: Preview, partner: str | None) -> Explanation:
    """Return a previewed decision with its trace."""
    record = preview.decisions[partner].as_dict()
    if partner is None or not isinstance(preview.case.terms[partner], Terms):
        return Explanation({**record, "digest": digest_of(record)}, None, _without_terms(record))
    trace = explain(preview.case, partner, preview.before)
    return Explanation({**record, "digest": digest_of(record)}, trace.data, trace.words)


def find_decision(
    ctx: Context, name: str, program: str | None = None, as_of: str | datetime | None = None
) -> DecisionRow:
    """Return a decision by its id; or by the id of its conversion the one that stood at an instant, of several the one
    that pays."""
    return find_decisions(ctx, name, program, as_of)[0]


def find_decisions(
    ctx: Context, name: str, program: str | None = None, as_of: str | datetime | None = None
) -> Sequence[DecisionRow]:
    """Return a decision by its id, or those on a conversion by its id, one for each partner that it concerned."""
    decision = ctx.session.get(DecisionRow, name)
    if decision is not None:
        return [decision]
    programs = [program] if program else programs_with_conversion(ctx.session, name)
    if not programs:
        raise DecisionNotFound(f"There is no decision and no conversion {name!r}. Check the id.")
    if len(programs) > 1:
        raise DecisionNotFound(f"{', '.join(programs)} each have a conversion {name!r}. Name the program too.")
    found = get_conversion(ctx, program=programs[0], conversion=name, as_of=as_of)
    if not found.decisions:
        raise DecisionNotFound(f"The conversion {name!r} has no decision{when_asked(found.as_of)}.")
    return found.decisions


def _terms_of(ctx: Context, row: DecisionRow) -> Terms | NoTerms:
    """Return the terms a decision was made under, or why there were none."""
    if row.contract_id is None or row.contract_version is None:
        reason = row.record["reasons"][0]
        return NoTerms(reason["code"], reason.get("actual", ""), row.contract_id, row.currency)
    contract = contract_named(ctx.session, row.contract_id)
    versions = versions_of(ctx.session, row.contract_id)
    catalogue, lists = facts_of_contract(ctx, contract), pinned_lists(ctx, versions)
    return terms_decided_under(contract, versions, row.record, catalogue, lists)


def _without_terms(record: dict[str, Any]) -> list[str]:
    reasons = [f"{reason['code']}: {reason.get('actual', 'no partner claims it')}" for reason in record["reasons"]]
    contract = f" under the contract {record['contract']}" if record["contract"] else ""
    return [f"{record['conversion']} of {record['event_at']} is {record['outcome']}{contract}. {'; '.join(reasons)}."]
