"""What the pipeline does not run: said with its reason and its place, never approximated."""

from __future__ import annotations

from app.core.errors import AppError
from app.engine.matcher import EngineFault


class NotInBulk(AppError):
    """Terms, a model or data that the bulk pipeline cannot decide exactly; the online engines can."""

    code = "not_in_bulk"
    kind = "conflict"

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.where = where


class NoRoom(EngineFault):
    """Memory, and the folder beside it, do not hold what a run makes."""

    code = "no_room"
