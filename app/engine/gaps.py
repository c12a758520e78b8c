"""Times without terms: what a timeline leaves open, each with its reason. Nothing of it is an error by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.core.timeline import Span
from app.engine.terms import ContractVersion, NoTerms, TermsHistory


@dataclass(frozen=True, slots=True)
class Gap:
    """A half-open time in which nothing is paid, and why; `until` is None where it has no end."""

    since: datetime
    until: datetime | None
    why: NoTerms


def gaps_in(history: TermsHistory) -> list[Gap]:
    """Return every time without terms from the contract's first start on."""
    return [gap for span in history.spans for gap in _gaps_of(history, span)]


def _gaps_of(history: TermsHistory, span: Span[ContractVersion]) -> Iterator[Gap]:
    """Terms can only change where a version or one of its rules starts, so these instants are all there is to ask."""
    starts = {rule.since for rules in history.rule_spans(span.version).values() for rule in rules}
    edges = sorted({span.since, *(start for start in starts if start > span.since)})
    for since, until in zip(edges, [*edges[1:], span.until], strict=True):
        why = history.at(since)
        if isinstance(why, NoTerms):
            yield Gap(since, until, why)
