"""The terms of a contract: its versions on two clocks, and what is in force at an instant. Not where they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from app.core.period import NO_ANCHOR, window_of
from app.core.rounding import Rounding
from app.core.timeline import Span, in_force, timeline
from app.engine.counters import Counter, counters_of
from app.engine.matcher import RuleConditions
from app.engine.settlement import NOTHING_AGREED, Settlement
from app.rulelang.ast import KINDS, Attribution, Eligibility, Kind, Payout, conditions_of
from app.rulelang.ruleset import RuleSet

B = TypeVar("B")
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One rule set from an instant on, inside one contract version."""

    id: str
    number: int
    rules: RuleSet
    effective_from: datetime
    recorded_at: datetime | None
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """The terms of a contract from an instant on; a termination has none."""

    number: int
    effective_from: datetime
    recorded_at: datetime | None
    retired_at: datetime | None = None
    is_termination: bool = False
    rule_versions: tuple[RuleVersion, ...] = ()
    # A termination at which a fixed term ended by itself, as it was agreed.
    is_expiry: bool = False
    settlement: Settlement = NOTHING_AGREED


@dataclass(frozen=True, slots=True)
class Contract:
    """Who the agreement is with, and in which money and time zone its days and cents are."""

    id: str
    program: str
    partner: str
    currency: str
    timezone: ZoneInfo
    rounding: Rounding = "half_away"
    direction: Literal["payable", "receivable"] = "payable"


@dataclass(frozen=True)
class Terms:
    """Everything that governs one conversion: a contract version and one rule version of each kind."""

    contract: Contract
    version: ContractVersion
    eligibility: RuleVersion
    attribution: RuleVersion
    payout: RuleVersion
    counters_since: dict[Counter, datetime] = field(default_factory=dict)

    @cached_property
    def eligibility_body(self) -> Eligibility:
        return _body(self.eligibility, Eligibility)

    @cached_property
    def attribution_body(self) -> Attribution:
        return _body(self.attribution, Attribution)

    @cached_property
    def payout_body(self) -> Payout:
        return _body(self.payout, Payout)

    @cached_property
    def eligibility_conditions(self) -> RuleConditions:
        return _conditions(self.eligibility)

    @cached_property
    def payout_conditions(self) -> RuleConditions:
        return _conditions(self.payout)

    @cached_property
    def rule_versions(self) -> tuple[tuple[Kind, RuleVersion], ...]:
        return ("eligibility", self.eligibility), ("attribution", self.attribution), ("payout", self.payout)

    @cached_property
    def rule_versions_record(self) -> dict[str, dict[str, Any]]:
        """Which rule versions decide, as decisions record it: id, number and hash by kind."""
        return {
            kind: {"id": version.id, "number": version.number, "hash": version.rules.hash}
            for kind, version in self.rule_versions
        }

    @cached_property
    def facts_read(self) -> frozenset[str]:
        return frozenset().union(*(version.rules.facts_read for _, version in self.rule_versions))

    @cached_property
    def facts_required(self) -> tuple[str, ...]:
        """The facts without which nothing is decided, in order of name."""
        return tuple(sorted(frozenset().union(*(v.rules.facts_required for _, v in self.rule_versions))))


Missing = Literal["NO_CONTRACT", "UNKNOWN_PARTNER", "BEFORE_START", "TERMINATED", "EXPIRED", "RULES_MISSING"]


@dataclass(frozen=True, slots=True)
class NoTerms:
    """Why no terms are in force: the code of the reason and a sentence."""

    code: Missing
    because: str
    # The contract that has none then, and its currency; where there is no contract, neither.
    contract: str | None = None
    currency: str | None = None


class TermsHistory:
    """All versions of one contract as they were known at `as_of`, ready to be asked for any instant."""

    def __init__(self, contract: Contract, versions: Iterable[ContractVersion], as_of: datetime) -> None:
        self.contract = contract
        self.as_of = as_of
        self.spans: list[Span[ContractVersion]] = timeline(versions, as_of)
        self._rules: dict[int, dict[Kind, list[Span[RuleVersion]]]] = {
            span.version.number: _rule_spans(span, as_of) for span in self.spans
        }
        self._terms: dict[tuple[str, ...], Terms] = {}

    def at(self, instant: datetime) -> Terms | NoTerms:
        """Return the terms in force at an instant, or why there are none. Exactly one of the two."""
        version = in_force(self.spans, instant)
        if version is None:
            return self._none("BEFORE_START", f"the contract {self.contract.id} starts later")
        if version.is_expiry:
            return self._none("EXPIRED", f"the term of the contract {self.contract.id} had ended by then")
        if version.is_termination:
            return self._none("TERMINATED", f"the contract {self.contract.id} was terminated by then")
        rules = self._rules[version.number]
        found = [in_force(rules[kind], instant) for kind in KINDS]
        eligibility, attribution, payout = found
        if eligibility is None or attribution is None or payout is None:
            missing = [kind for kind, rule in zip(KINDS, found, strict=True) if rule is None]
            return self._none("RULES_MISSING", f"version {version.number} has no {' and '.join(missing)} rules by then")
        key = (eligibility.id, attribution.id, payout.id)
        terms = self._terms.get(key)
        if terms is None:
            terms = Terms(self.contract, version, eligibility, attribution, payout, self._counters_since(payout))
            self._terms[key] = terms
        return terms

    def _none(self, code: Missing, because: str) -> NoTerms:
        return NoTerms(code, because, self.contract.id, self.contract.currency)

    @cached_property
    def anchor(self) -> date:
        """The local day on which the contract starts, from which its years count."""
        return self.spans[0].since.astimezone(self.contract.timezone).date() if self.spans else NO_ANCHOR

    @cached_property
    def counters(self) -> frozenset[Counter]:
        """Every counter any version of the contract needs. None means that its conversions do not depend on each
        other."""
        bodies = [_body(span.version, Payout) for rules in self._rules.values() for span in rules["payout"]]
        return frozenset().union(*(counters_of(body) for body in bodies))

    def last_window_end(self, at: datetime) -> datetime:
        """Return the end of the longest window of its counters that an instant lies in; the instant itself without any."""
        windows = (window_of(counter.window, at, self.contract.timezone, self.anchor) for counter in self.counters)
        return max((window.end for window in windows), default=at)

    @cached_property
    def facts_read(self) -> frozenset[str]:
        """Every fact any version of the contract reads."""
        spans = [span for rules in self._rules.values() for of_kind in rules.values() for span in of_kind]
        return frozenset().union(*(span.version.rules.facts_read for span in spans))

    def counted(self, terms: Terms) -> dict[Counter, tuple[datetime, ...]]:
        """Return the counters a rated conversion adds to, and from when on each runs: what is under every limit, because
        a limit is on what the contract pays in the window, whichever version paid it; and those of its terms, in every
        window in which another version goes on with what they measure."""
        found: dict[Counter, tuple[datetime, ...]] = {
            counter: (_EVER,) for counter in self.counters if counter.is_of_limits
        }
        start = next(start for version, start, _ in self._payouts if version is terms.payout)
        for counter in terms.counters_since:
            for other, since in self._runs.get(counter.key, ()):
                if since <= start and not other.is_of_limits:
                    found[other] = (*(each for each in found.get(other, ()) if each != since), since)
        return found

    def rule_spans(self, version: ContractVersion) -> dict[Kind, list[Span[RuleVersion]]]:
        """Return the rule versions of a contract version with the time each is in force."""
        return self._rules[version.number]

    def _counters_since(self, payout: RuleVersion) -> dict[Counter, datetime]:
        """Return since when each tier counter runs: it carries on from rule version to rule version while metric and
        window stay the same, also across contract versions, and restarts where a version did without it. A version that
        says `carry` goes on with what was last counted of the same metric, and one that says `restart` with nothing."""
        return next(since for version, _, since in self._payouts if version is payout)

    @cached_property
    def _payouts(self) -> list[tuple[RuleVersion, datetime, dict[Counter, datetime]]]:
        """Every payout rule version in order, with its start, and since when each of its counters runs."""
        found: list[tuple[RuleVersion, datetime, dict[Counter, datetime]]] = []
        since: dict[Counter, datetime] = {}
        last: dict[str, datetime] = {}
        for version in self.spans:
            for span in self._rules[version.version.number].get("payout", []):
                since = _carried(_body(span.version, Payout), since, last, span.since)
                last |= _begun(since)
                found.append((span.version, span.since, since))
        return found

    @cached_property
    def _runs(self) -> dict[str, set[tuple[Counter, datetime]]]:
        """By what is measured, every counter of it and since when it runs in some version."""
        runs: dict[str, set[tuple[Counter, datetime]]] = {}
        for _, _, since in self._payouts:
            for counter, start in since.items():
                runs.setdefault(counter.key, set()).add((counter, start))
        return runs


def _carried(
    body: Payout, since: dict[Counter, datetime], last: dict[str, datetime], start: datetime
) -> dict[Counter, datetime]:
    """Return since when the counters of a version run, given those of the version before and when each metric was last
    begun."""
    found = {}
    for counter in counters_of(body):
        if counter.is_of_limits or body.counters != "restart":
            anew = last.get(counter.key, start) if body.counters == "carry" else start
            found[counter] = since.get(counter, anew)
        else:
            found[counter] = start
    return found


def _begun(since: dict[Counter, datetime]) -> dict[str, datetime]:
    """Return when each metric was begun: over several windows, the first time."""
    begun: dict[str, datetime] = {}
    for counter, start in since.items():
        begun[counter.key] = min(start, begun.get(counter.key, start))
    return begun


def _rule_spans(span: Span[ContractVersion], as_of: datetime) -> dict[Kind, list[Span[RuleVersion]]]:
    """Return the timeline of each kind inside a contract version: none is in force before it starts or after it ends."""
    return {kind: list(_inside(timeline(_of_kind(span.version.rule_versions, kind), as_of), span)) for kind in KINDS}


def _inside(rules: Iterable[Span[RuleVersion]], span: Span[ContractVersion]) -> Iterator[Span[RuleVersion]]:
    for rule in rules:
        if (rule.until is None or rule.until > span.since) and (span.until is None or rule.since < span.until):
            yield Span(rule.version, max(rule.since, span.since), rule.until)


def _of_kind(versions: Sequence[RuleVersion], kind: Kind) -> list[RuleVersion]:
    return [version for version in versions if version.rules.kind == kind]


def _body(version: RuleVersion, expected: type[B]) -> B:
    body = version.rules.body
    assert isinstance(body, expected)
    return body


def _conditions(version: RuleVersion) -> RuleConditions:
    return RuleConditions(version.rules.key, tuple(conditions_of(version.rules.body)))
