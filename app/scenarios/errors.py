"""Refusals of the scenarios room."""

from app.core.errors import AppError


class ScenarioMalformed(AppError):
    """A scenario that cannot be run. The message names file and line; nothing of it is kept."""

    code = "scenario_malformed"
    kind = "malformed"
