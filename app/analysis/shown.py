"""The difference of two versions as JSON data, for the API and the command line."""

from __future__ import annotations

from typing import Any

from app.analysis.difference import Counterexample, Difference, Equal
from app.core.money import canonical


def difference_data(found: Difference) -> dict[str, Any]:
    """Return what there is to say of two versions: `same` is null where it was not decided."""
    if not isinstance(found, Counterexample):
        return {"same": True if isinstance(found, Equal) else None, "says": found.says}
    shown = {"same": False, "says": found.says, "before": found.before, "after": found.after}
    already = {name: canonical(held) for name, held in found.already.items()}
    return shown | {"conversion": found.conversion.as_dict()} | ({"already": already} if already else {})
