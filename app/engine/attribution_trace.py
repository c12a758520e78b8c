"""How it came about who gets the credit: every touch, kept or dropped, and why; as data and as sentences.

A partner that reads its own decision is not told who the others are, nor when and where they reached the customer.
"""

from __future__ import annotations

from typing import Any

from app.core.fractions import fraction_text
from app.core.instants import write_instant
from app.engine.attribution import Attributed, Credit, ProgramModel, SeenTouch
from app.engine.factsheet import Conversion
from app.engine.terms import Terms

ANOTHER = "another partner"


class AttributionTrace:
    """What is said of the credit for one conversion, to the house or to one of its partners (`reader`)."""

    def __init__(self, conversion: Conversion, model: ProgramModel, found: Attributed, reader: str | None) -> None:
        self.conversion = conversion
        self.model = model
        self.found = found
        self.reader = reader

    def data(self, terms: Terms) -> dict[str, Any]:
        """Return it as data. Of a plain claim there is no more to say than who claims, and what the contract makes of it."""
        plain = {"claims": terms.attribution_body.claims, "claimed_by": self.conversion.partner}
        if not self.found.is_by_model:
            return plain
        found = self.found
        return {
            **plain,
            "model": {
                "name": self.model.name,
                "number": None if self.model.record is None else self.model.record["number"],
            },
            **({} if found.override is None else {"override": found.override.id}),
            **({} if found.suppressed is None else {"suppressed": found.suppressed.code}),
            "touches": [self._touch(seen) for seen in found.touches],
            "credit": [self._credit(credit) for credit in found.credits],
            "forfeited": [self._credit(credit) for credit in found.forfeited],
        }

    def words(self) -> list[str]:
        """Return it as sentences: one for each touch, and who has the credit. Of a plain claim none."""
        found = self.found
        if not found.is_by_model:
            return []
        lines = [self._sentence(seen) for seen in found.touches]
        if found.suppressed is not None:
            lines.append(f"Nobody is credited: {found.suppressed.because}.")
        if found.override is not None:
            lines.append(f"The override {found.override.id} goes before the model.")
        shares = [f"{self._share(credit)} to {self._name(credit.partner)}" for credit in found.credits]
        shares += [f"{self._share(credit)} forfeited" for credit in found.forfeited]
        if shares:
            lines.append(f"The credit goes {', '.join(shares)}.")
        return lines

    def _is_hidden(self, partner: str) -> bool:
        return self.reader is not None and partner != self.reader

    def _name(self, partner: str) -> str:
        return ANOTHER if self._is_hidden(partner) else partner

    def _share(self, credit: Credit) -> str:
        return "all" if credit.share == 1 else fraction_text(credit.share)

    def _credit(self, credit: Credit) -> dict[str, Any]:
        return {"partner": self._name(credit.partner), "share": fraction_text(credit.share)}

    def _touch(self, seen: SeenTouch) -> dict[str, Any]:
        told = {"kept": seen.kept, "code": seen.code, "share": fraction_text(seen.share)}
        if self._is_hidden(seen.touch.partner):
            return {"partner": ANOTHER, **told}
        touch = seen.touch
        at = write_instant(touch.at)
        return {
            "touch": touch.id,
            "partner": touch.partner,
            "type": touch.type,
            "at": at,
            **told,
            "because": seen.because,
        }

    def _sentence(self, seen: SeenTouch) -> str:
        touch = seen.touch
        verdict = "counts" if seen.kept else "does not count"
        share = f" and has {fraction_text(seen.share)} of the credit" if seen.share else ""
        if self._is_hidden(touch.partner):
            return f"A touch of another partner {verdict}{share}."
        return f"The touch {touch.id} of {touch.partner} {verdict}{share} ({seen.code}): {seen.because}."
