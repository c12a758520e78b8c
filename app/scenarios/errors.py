"""Refusals of the scenarios room."""

from app.core.errors import AppError


class ScenarioMalformed(AppError):
    """A scenario that cannot be run. The message names file and line; nothing of it is kept."""

    code = "scenario_malformed"
    kind = "malformed"


class RecordedLater(AppError):
    """A version that a step records in the future of the scenario's clock."""

    code = "recorded_later"
    kind = "invalid"
