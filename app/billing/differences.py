"""What should exist of a statement minus what is posted, and what is accrued of it: the two queries that billing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.period import Period


@dataclass(frozen=True, slots=True)
class Difference:
    """A conversion × rule × part, or a rule × part of a day's deliveries, whose posted amount is not what it should be.
    `earlier` is how many lines it has had."""

    conversion_id: str | None
    delivered_on: date | None
    rule: str
    part: str
    event_at: datetime
    decision_id: str
    formula: str
    precise: Decimal
    amount: Decimal
    corrects: str | None
    earlier: int


# Target minus posted, per conversion (or day of deliveries) × rule × part of the period. A line that should no longer exist
# has the target zero and is booked on the decision that is current now. What its terms hold, or do not lock yet, waits:
# it is accrued; what is posted does not go away by that. What was posted and taken back again is not posted.
_QUERY = r"""
    WITH posted AS (
        SELECT coalesce(conversion_id, E'\t' || delivered_on::text) AS subject, conversion_id, delivered_on,
               rule, part, max(event_at) AS event_at, sum(amount) AS amount, sum({precise}) AS precise,
               count(*) AS earlier,
               (array_agg(id ORDER BY position DESC))[1] AS last_id,
               (array_agg(decision_id ORDER BY position DESC))[1] AS decision_id,
               (array_agg(formula ORDER BY position DESC))[1] AS formula
        FROM {table} WHERE statement_id = :statement
        GROUP BY conversion_id, delivered_on, rule, part
    ), on_statement AS (
        SELECT coalesce(conversion_id, E'\t' || delivered_on::text) AS subject
        FROM statement_lines WHERE statement_id = :statement
        GROUP BY conversion_id, delivered_on, rule, part HAVING sum(amount) <> 0
    ), target AS (
        SELECT coalesce(d.conversion_id, E'\t' || d.delivered_on::text) AS subject, d.conversion_id, d.delivered_on,
               l ->> 'rule' AS rule, coalesce(l ->> 'part', '') AS part, d.event_at,
               d.id AS decision_id, l ->> 'formula' AS formula,
               (l ->> 'amount_precise')::numeric AS precise, (l ->> 'amount')::numeric AS amount
        FROM decisions d CROSS JOIN LATERAL jsonb_array_elements(d.record -> 'lines') AS l
        WHERE d.contract_id = :contract AND d.retired_at IS NULL AND d.outcome = 'rated'
          AND d.event_at >= :start AND d.event_at < :end AND {of_it}
    )
    SELECT coalesce(t.conversion_id, p.conversion_id), coalesce(t.delivered_on, p.delivered_on),
           coalesce(t.rule, p.rule), coalesce(t.part, p.part), coalesce(t.event_at, p.event_at),
           coalesce(t.decision_id, (
               SELECT d.id FROM decisions d
               WHERE d.conversion_id = p.conversion_id AND d.program_id = :program AND d.contract_id = :contract
                 AND d.retired_at IS NULL
           ), (
               SELECT d.id FROM decisions d
               WHERE d.contract_id = :contract AND d.delivered_on = p.delivered_on AND d.event_at = p.event_at
                 AND d.retired_at IS NULL
           ), p.decision_id), coalesce(t.formula, p.formula),
           coalesce(t.precise, 0) - coalesce(p.precise, 0), coalesce(t.amount, 0) - coalesce(p.amount, 0), p.last_id,
           coalesce(p.earlier, 0)
    FROM target t FULL JOIN posted p ON p.subject = t.subject AND p.rule = t.rule AND p.part = t.part
    WHERE coalesce(t.amount, 0) <> coalesce(p.amount, 0)
    ORDER BY 5, coalesce(t.subject, p.subject), 3, 4
"""
_IS_DUE = "coalesce(greatest(d.held_until, d.locks_at) <= :now, true)"
_IS_POSTED = r"coalesce(d.conversion_id, E'\t' || d.delivered_on::text) IN (SELECT subject FROM on_statement)"
_LINES = text(_QUERY.format(table="statement_lines", precise="amount_precise", of_it=f"({_IS_DUE} OR {_IS_POSTED})"))
_ACCRUALS = text(_QUERY.format(table="accrual_lines", precise="amount", of_it=f"NOT {_IS_DUE} AND NOT {_IS_POSTED}"))


def missing_lines(
    session: Session, contract_id: str, program_id: str, statement_id: str, span: Period, now: datetime
) -> list[Difference]:
    """Return what should be on a statement by now minus what is posted, in canonical order; nothing where they agree."""
    return _found(session, _LINES, contract_id, program_id, statement_id, span, now)


def missing_accruals(
    session: Session, contract_id: str, program_id: str, statement_id: str, span: Period, now: datetime
) -> list[Difference]:
    """Return what of a statement's month is rated and waits, minus what is accrued already. What became a line, or nothing,
    is taken back."""
    return _found(session, _ACCRUALS, contract_id, program_id, statement_id, span, now)


def _found(
    session: Session, query: object, contract_id: str, program_id: str, statement_id: str, span: Period, now: datetime
) -> list[Difference]:
    given = {
        "contract": contract_id,
        "program": program_id,
        "statement": statement_id,
        "start": span.start,
        "end": span.end,
        "now": now,
    }
    return [Difference(*row) for row in session.execute(query, given)]  # type: ignore[call-overload]


_MIRROR = """
    SELECT l.conversion_id, l.delivered_on, l.rule, l.part, l.event_at, l.decision_id, l.formula,
           -{precise}, -l.amount, l.id,
           (SELECT count(*) FROM {table} e WHERE e.statement_id = l.statement_id AND e.rule = l.rule AND e.part = l.part
              AND e.conversion_id IS NOT DISTINCT FROM l.conversion_id
              AND e.delivered_on IS NOT DISTINCT FROM l.delivered_on)
    FROM {table} l WHERE l.posting_id = :posting ORDER BY l.position
    """


def mirrored(session: Session, posting_id: str, *, accruals: bool = False) -> list[Difference]:
    """Return what takes back the lines of a posting, or its accruals, in their order."""
    table, precise = ("accrual_lines", "l.amount") if accruals else ("statement_lines", "l.amount_precise")
    query = text(_MIRROR.format(table=table, precise=precise))
    return [Difference(*row) for row in session.execute(query, {"posting": posting_id})]
