"""Putting the house together: which rooms the application has."""

from __future__ import annotations

from flask import Flask

from app.access.gate import KeyGate
from app.billing.routes import routes as billing
from app.contracts.routes import routes as contracts
from app.conversions.routes import routes as conversions
from app.partners.routes import routes as partners
from app.rulesets.routes import routes as rulesets
from app.runtime import Runtime
from app.web.application import application

ROOMS = (partners, rulesets, contracts, conversions, billing)


def create_app(runtime: Runtime) -> Flask:
    """Return the HTTP application over a database, an engine, a catalogue and a clock."""
    return application(runtime, KeyGate(), ROOMS)
