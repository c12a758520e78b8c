"""What the database refuses of billing runs, of what they propose, and of closed books, in the world of `whole_lives`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.store.refusals import Refused, copied

# Their rows change, or are forgotten, as a run goes on.
RUN_TABLES = ("billing_runs", "billing_run_progress", "proposed_statements", "proposed_lines")
GUARDED = ("billing_runs.guarded",)
AT = "timestamptz '2027-02-01 00:00Z'"
_OF_RUN = ("fk_billing_run_progress_run_id", "fk_proposed_statements_run_id", "fk_proposed_lines_run_id")
_POSTED_TABLES = ("postings", "statement_lines", "accrual_lines")


def _ready(changes: str) -> str:
    return f"UPDATE billing_runs SET {changes} WHERE state = 'ready'"


def _another(**columns: str) -> str:
    """Insert a run like the one that is queued, of another month, that takes nothing back."""
    other = {"id": "'x'", "period": "'2026-10'", "kind": "'bill'", "reverses": "NULL"}
    return copied("billing_runs", where="state = 'queued'", **{**other, **columns})


def runs() -> Iterator[Refused]:
    """A run goes one way, is posted by another, and is never begun twice."""
    yield Refused("ck_billing_runs_kind", _ready("kind = 'gift'"), GUARDED)
    yield Refused("ck_billing_runs_state", _ready("state = 'lost'"), GUARDED)
    yield Refused("ck_billing_runs_reverses", _ready("kind = 'reversal'"), GUARDED)
    yield Refused("ck_billing_runs_posted_by_another", _ready("state = 'posting', posted_by = opened_by"))
    yield Refused("ck_billing_runs_posted_by_somebody", _ready("state = 'posting'"))
    yield Refused("ck_billing_runs_posted_at", _ready(f"posted_at = {AT}"))
    yield Refused("ck_billing_runs_fault", _ready("state = 'failed'"))
    yield Refused("ck_billing_runs_engine", _another(engine="'pen'"))
    yield Refused("ck_billing_runs_settled_by", _ready("settled_by = 'duckdb', settled_because = 'so'"))
    yield Refused("ck_billing_runs_settled_because", _ready("settled_because = 'so'"))
    for change in (
        "period = '2026-10'",
        "opened_by = 'eve'",
        "engine = 'duckdb'",
        "program_id = 'other'",
        "state = 'computing'",
        f"state = 'posted', posted_by = 'eve', posted_at = {AT}",
        "controls = '{}'",
    ):
        yield Refused("billing_runs.guarded", _ready(change), ("fk_billing_runs_program_id",))
    yield Refused("billing_runs.guarded", "UPDATE billing_runs SET ended_by = 'eve' WHERE state = 'posted'")
    yield Refused("billing_runs.guarded", "DELETE FROM billing_runs WHERE state = 'ready'", _OF_RUN)
    yield Refused("billing_runs.guarded", _another(state="'computing'"))
    yield Refused(
        "billing_runs.never_truncated",
        "TRUNCATE billing_runs CASCADE",
        tuple(f"{table}.never_truncated" for table in _POSTED_TABLES),
    )
    yield Refused("uq_billing_runs_open", _another(period="'2026-12'"))
    yield Refused(
        "uq_billing_runs_reverses", copied("billing_runs", id="'x'", period="'2026-10'", where="state = 'queued'")
    )
    yield Refused(
        "pk_billing_runs",
        copied("billing_runs", where="state = 'queued'"),
        ("uq_billing_runs_open", "uq_billing_runs_reverses"),
    )
    for column in ("program_id", "contract_id"):
        yield Refused(f"fk_billing_runs_{column}", _another(**{column: "'nothing'"}))
    yield Refused("fk_billing_runs_reverses", _another(kind="'reversal'", reverses="'nothing'"))
    yield Refused("fk_postings_run_id", copied("postings", id="'x'", number="7", run_id="'nothing'"))
    yield Refused("uq_postings_statement_id_number", copied("postings", id="'x'"))
    for period in ("'2026-11'", "'2026-10'"):
        yield Refused("postings.in_open_period", copied("postings", id="'x'", number="7", accounting_period=period))
    yield Refused("accounting_closings.later", copied("accounting_closings", period="'2026-10'"))
    yield Refused("fk_accounting_closings_program_id", copied("accounting_closings", program_id="'nowhere'"))


def of_lines() -> Iterator[Refused]:
    """Accruals and what is proposed."""
    yield Refused("ck_accrual_lines_amount_is_not_zero", copied("accrual_lines", id="'x'", amount="0"))
    yield Refused("ck_accrual_lines_of_one_subject", copied("accrual_lines", id="'x'", conversion_id="NULL"))
    for column in ("statement_id", "posting_id", "decision_id"):
        yield Refused(f"fk_accrual_lines_{column}", copied("accrual_lines", id="'x'", **{column: "'nothing'"}))
    yield Refused("ck_proposed_lines_amount_is_not_zero", copied("proposed_lines", place="9", amount="0"))
    yield Refused("ck_proposed_lines_of_one_subject", copied("proposed_lines", place="9", conversion_id="NULL"))
    for column in ("run_id", "decision_id"):
        yield Refused(f"fk_proposed_lines_{column}", copied("proposed_lines", place="9", **{column: "'nothing'"}))
    yield Refused("pk_proposed_lines", copied("proposed_lines"))
    yield Refused(
        "ck_proposed_statements_after_postings", copied("proposed_statements", period="'x'", after_postings="-1")
    )
    for column in ("run_id", "contract_id"):
        yield Refused(f"fk_proposed_statements_{column}", copied("proposed_statements", **{column: "'nothing'"}))
    yield Refused("pk_proposed_statements", copied("proposed_statements"))
    yield Refused("fk_billing_run_progress_run_id", copied("billing_run_progress", run_id="'nothing'"))
    yield Refused("pk_billing_run_progress", copied("billing_run_progress"))
