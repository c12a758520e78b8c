"""Price a formula for facts that are given, without a contract. Nothing is read and nothing is kept."""

from __future__ import annotations

from typing import Any

from app.engine.quote import Quote, quote
from app.rulesets.errors import QuoteRefused


def price_quote(body: Any) -> Quote:
    """Return what a formula is worth and how it was calculated, as `termline quote` does; or refuse with every defect."""
    priced = quote(body)
    if isinstance(priced, Quote):
        return priced
    raise QuoteRefused(f"The quote is refused. {priced[0].pointer or '/'}: {priced[0].message}", priced)
