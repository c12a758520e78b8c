"""Putting the house together: which rooms the application has, and how a server process gets its own."""

from __future__ import annotations

import atexit
from contextlib import ExitStack

from flask import Flask

from app import log
from app.access.gate import KeyGate
from app.access.routes import routes as keys
from app.assembly import opened_runtime
from app.audit.routes import routes as audit
from app.billing.document_routes import routes as documents
from app.billing.journal_routes import routes as journal
from app.billing.reconciliation_routes import routes as reconciliations
from app.billing.routes import routes as billing
from app.billing.run_routes import routes as billing_runs
from app.contracts.diff_routes import routes as contracts
from app.conversions.routes import routes as conversions
from app.deliveries.routes import routes as deliveries
from app.partners.routes import routes as partners
from app.rates.routes import routes as rates
from app.rulesets.routes import routes as rulesets
from app.runtime import Runtime
from app.settings import Settings
from app.web.application import application
from app.web.rate import Rate

ROOMS = (
    *(partners, rulesets, contracts, rates, conversions, deliveries),
    *(billing, billing_runs, documents, journal, reconciliations, audit, keys),
)


def create_app(runtime: Runtime, rate: Rate = Rate()) -> Flask:  # noqa: B008 - it is frozen
    """Return the HTTP application over a database, an engine, a catalogue and a clock."""
    return application(runtime, KeyGate(), ROOMS, rate)


def served_app(settings: Settings) -> Flask:
    """Return the application of one server process. What it has opened is let go of when the process ends."""
    log.configure()
    held = ExitStack()
    atexit.register(held.close)
    runtime = held.enter_context(opened_runtime(settings))
    return create_app(runtime, Rate(settings.rate, settings.burst))
