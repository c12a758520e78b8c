"""Refusals of the billing room."""

from app.core.errors import AppError


class PeriodRefused(AppError):
    code = "period_refused"
    kind = "invalid"


class StatementNotFound(AppError):
    code = "statement_not_found"
    kind = "not_found"


class RunNotFound(AppError):
    code = "billing_run_not_found"
    kind = "not_found"


class RunOpenAlready(AppError):
    code = "billing_run_open_already"
    kind = "conflict"


class RunElsewhere(AppError):
    """The run is not where it has to be in its life for what is asked of it."""

    code = "billing_run_elsewhere"
    kind = "conflict"


class SelfPosting(AppError):
    code = "self_posting"
    kind = "forbidden"


class RunOutdated(AppError):
    code = "billing_run_outdated"
    kind = "conflict"


class RunStopped(AppError):
    """Somebody asked a run to stop while it was computed."""

    code = "billing_run_stopped"
    kind = "conflict"


class ControlsDiffer(AppError):
    """What came in and what came out of a run, counted twice, is not the same."""

    code = "controls_differ"
    kind = "conflict"


class PeriodNotOver(AppError):
    code = "accounting_period_not_over"
    kind = "conflict"


class PeriodClosedAlready(AppError):
    code = "accounting_period_closed_already"
    kind = "conflict"


class PartnerFileRefused(AppError):
    code = "partner_file_refused"
    kind = "invalid"


class InvoiceRefused(AppError):
    code = "invoice_refused"
    kind = "invalid"
