"""Attribution: who gets the credit. For now a conversion's claim decides; touches are not attributed yet."""

from __future__ import annotations

from app.engine.decision import Reason
from app.rulelang.ast import Attribution


def claim_refused(body: Attribution) -> Reason | None:
    """Return why a claimed conversion without a qualifying touch is not credited, or None when it is."""
    return Reason("CLAIM_REFUSED", "claims") if body.claims == "refuse" else None
