"""The terms of a contract: its versions on two clocks, and what is in force at an instant. Not where they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from app.core.period import NO_ANCHOR, window_of
from app.core.rounding import Rounding
from app.core.timeline import Span, in_force, timeline
from app.engine.counters import Counter, counters_of
from app.engine.deliveries.counting import counters_of_terms, is_of_flight
from app.engine.deliveries.terms import NOTHING_SAID, DeliveryTerms
from app.engine.matcher import RuleConditions
from app.engine.payout_history import EVER, PayoutHistory, counters_of_limits, limits_together
from app.engine.settlement import NOTHING_AGREED, Settlement
from app.rulelang.ast import KINDS, PLACES, Attribution, Eligibility, Kind, Limit, Payout, conditions_of
from app.rulelang.ruleset import RuleSet

B = TypeVar("B")
_PAYOUTS: tuple[Kind, ...] = ("payout", "delivery_payout")


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One rule set from an instant on, inside one contract version."""

    id: str
    number: int
    rules: RuleSet
    effective_from: datetime
    recorded_at: datetime | None
    retired_at: datetime | None = None
    # Where it stands, if that is not under the kind of its body: beside the payout on conversions.
    place: Kind | None = None

    @property
    def kind(self) -> Kind:
        """Where it stands in its contract version."""
        return self.place or self.rules.kind


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
    delivery: DeliveryTerms = NOTHING_SAID


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
    """Everything that governs one conversion, or one day of deliveries: a contract version and one rule version of each
    kind, and one more for the payout on deliveries beside one on conversions."""

    contract: Contract
    version: ContractVersion
    eligibility: RuleVersion
    attribution: RuleVersion
    payout: RuleVersion
    counters_since: dict[Counter, datetime] = field(default_factory=dict)
    delivery_payout: RuleVersion | None = None
    # The same for the counters of deliveries.
    delivery_since: dict[Counter, datetime] = field(default_factory=dict)

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
    def attribution_conditions(self) -> RuleConditions:
        return _conditions(self.attribution)

    @cached_property
    def payout_conditions(self) -> RuleConditions:
        return _conditions(self.payout)

    @cached_property
    def rule_versions(self) -> tuple[tuple[Kind, RuleVersion], ...]:
        found = (self.eligibility, self.attribution, self.payout, self.delivery_payout)
        return tuple((kind, version) for kind, version in zip(PLACES, found, strict=True) if version is not None)

    @cached_property
    def rule_versions_record(self) -> dict[str, dict[str, Any]]:
        """Which rule versions decide, as decisions record it: id, number and hash by kind."""
        return {kind: _recorded(version) for kind, version in self.rule_versions}

    @property
    def pays_conversions(self) -> bool:
        """Whether a conversion can be paid at all: a payout on deliveries pays none."""
        return self.payout_body.on == "conversion"

    @cached_property
    def delivery_rules(self) -> RuleVersion | None:
        """The payout on deliveries, wherever it stands, or None."""
        return self.delivery_payout if self.pays_conversions else self.payout

    @cached_property
    def delivery_body(self) -> Payout:
        assert self.delivery_rules is not None
        return _body(self.delivery_rules, Payout)

    @cached_property
    def delivery_conditions(self) -> RuleConditions:
        assert self.delivery_rules is not None
        return _conditions(self.delivery_rules)

    @cached_property
    def delivery_terms(self) -> DeliveryTerms:
        """How deliveries are counted, reconciled and paid for."""
        return self.version.delivery

    @cached_property
    def delivery_versions_record(self) -> dict[str, dict[str, Any]]:
        """Which rule versions decide deliveries: those of payouts, as limits of one hold for the other."""
        versions = self.rule_versions[2:]
        return {kind: _recorded(version) for kind, version in versions}

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The limits on what is paid for a conversion: a limit on what the contract pays is one on deliveries as well."""
        if not self.pays_conversions or self.delivery_payout is None:
            return self.payout_body.limits
        return limits_together(self.payout_body.limits, self.delivery_body.limits)

    @cached_property
    def delivery_limits(self) -> tuple[Limit, ...]:
        """The limits on what is paid for deliveries, those of the payout on conversions with them."""
        others = self.payout_body.limits if self.pays_conversions else ()
        return limits_together(self.delivery_body.limits, others)

    @cached_property
    def facts_read(self) -> frozenset[str]:
        """The facts that are read of a conversion."""
        return frozenset().union(*(version.rules.facts_read for version in self._of_conversions))

    @cached_property
    def facts_required(self) -> tuple[str, ...]:
        """The facts without which nothing is decided, in order of name."""
        return tuple(sorted(frozenset().union(*(v.rules.facts_required for v in self._of_conversions))))

    @cached_property
    def _of_conversions(self) -> tuple[RuleVersion, ...]:
        decided = (self.eligibility, self.attribution)
        return (*decided, self.payout) if self.pays_conversions else decided

    @property
    def counters(self) -> frozenset[Counter]:
        """The counters that a conversion depends on."""
        tiers = counters_of(self.payout_body) if self.pays_conversions else frozenset()
        return tiers | counters_of_limits(self.limits)

    def delivery_counters(self, day: date) -> frozenset[Counter]:
        """Return the counters that deliveries of a day depend on."""
        if self.delivery_rules is None:
            return frozenset()
        terms = counters_of_terms(self.delivery_terms, day)
        return counters_of(self.delivery_body) | counters_of_limits(self.delivery_limits) | terms


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
        delivery = in_force(rules["delivery_payout"], instant)
        if eligibility is None or attribution is None or payout is None:
            missing = [kind for kind, rule in zip(KINDS, found, strict=True) if rule is None]
            return self._none("RULES_MISSING", f"version {version.number} has no {' and '.join(missing)} rules by then")
        key = (eligibility.id, attribution.id, payout.id, "" if delivery is None else delivery.id)
        if key not in self._terms:
            terms = Terms(self.contract, version, eligibility, attribution, payout, delivery_payout=delivery)
            if terms.pays_conversions:
                terms.counters_since.update(self.payouts.counters_since(payout, "conversion", terms.counters))
            rules_on = terms.delivery_rules
            if rules_on is not None:
                counters = counters_of(terms.delivery_body) | counters_of_limits(terms.delivery_limits)
                terms.delivery_since.update(self.payouts.counters_since(rules_on, "delivery", counters))
            self._terms[key] = terms
        return self._terms[key]

    def _none(self, code: Missing, because: str) -> NoTerms:
        return NoTerms(code, because, self.contract.id, self.contract.currency)

    @cached_property
    def anchor(self) -> date:
        """The local day on which the contract starts, from which its years count."""
        return self.spans[0].since.astimezone(self.contract.timezone).date() if self.spans else NO_ANCHOR

    @property
    def counters(self) -> frozenset[Counter]:
        """Every counter any version of the contract needs. None means that its conversions and deliveries do not depend
        on each other."""
        return self.payouts.counters

    @cached_property
    def payouts(self) -> PayoutHistory[RuleVersion]:
        """The payouts of each version, those on deliveries last."""
        bodies = [
            [
                (span, _body(span.version, Payout))
                for place in _PAYOUTS
                for span in self._rules[each.version.number][place]
            ]
            for each in self.spans
        ]
        return PayoutHistory(bodies, [each.version.delivery for each in self.spans])

    def last_window_end(self, at: datetime) -> datetime:
        """Return the end of the longest window of its counters that an instant lies in; the instant itself without any.
        Those of flights have no end, and are followed where one holds something else."""
        counters = (counter for counter in self.counters if not is_of_flight(counter))
        windows = (window_of(counter.window, at, self.contract.timezone, self.anchor) for counter in counters)
        return max((window.end for window in windows), default=at)

    @cached_property
    def facts_read(self) -> frozenset[str]:
        """Every fact any version of the contract reads."""
        spans = [span for rules in self._rules.values() for of_kind in rules.values() for span in of_kind]
        return frozenset().union(*(span.version.rules.facts_read for span in spans))

    def counted(self, terms: Terms) -> dict[Counter, tuple[datetime, ...]]:
        """Return the counters a rated conversion or day adds to, and from when on each runs: what is under every limit,
        because a limit is on what the contract pays in the window, whichever version paid it, and flights and guarantees
        likewise; and those of its terms, in every window in which another version goes on with what they measure."""
        of_terms = self.payouts.counters_of_terms
        always = [counter for counter in self.counters if counter.is_of_limits or counter in of_terms]
        found: dict[Counter, tuple[datetime, ...]] = dict.fromkeys(always, (EVER,))
        found |= self.payouts.counted(terms.payout, "conversion", terms.counters_since)
        if terms.delivery_rules is not None:
            found |= self.payouts.counted(terms.delivery_rules, "delivery", terms.delivery_since)
        return found

    def delivery_counted(self, terms: Terms, day: date) -> dict[Counter, datetime]:
        """Return the counters that deliveries of a day depend on, each with since when it runs."""
        return {counter: terms.delivery_since.get(counter, EVER) for counter in terms.delivery_counters(day)}

    def rule_spans(self, version: ContractVersion) -> dict[Kind, list[Span[RuleVersion]]]:
        """Return the rule versions of a contract version with the time each is in force."""
        return self._rules[version.number]


def _rule_spans(span: Span[ContractVersion], as_of: datetime) -> dict[Kind, list[Span[RuleVersion]]]:
    """Return the timeline of each kind inside a contract version: none is in force before it starts or after it ends."""
    return {kind: list(_inside(timeline(_of_kind(span.version.rule_versions, kind), as_of), span)) for kind in PLACES}


def _inside(rules: Iterable[Span[RuleVersion]], span: Span[ContractVersion]) -> Iterator[Span[RuleVersion]]:
    for rule in rules:
        if (rule.until is None or rule.until > span.since) and (span.until is None or rule.since < span.until):
            yield Span(rule.version, max(rule.since, span.since), rule.until)


def _of_kind(versions: Sequence[RuleVersion], kind: Kind) -> list[RuleVersion]:
    return [version for version in versions if version.kind == kind]


def _recorded(version: RuleVersion) -> dict[str, Any]:
    return {"id": version.id, "number": version.number, "hash": version.rules.hash}


def _body(version: RuleVersion, expected: type[B]) -> B:
    body = version.rules.body
    assert isinstance(body, expected)
    return body


def _conditions(version: RuleVersion) -> RuleConditions:
    return RuleConditions(version.rules.key, tuple(conditions_of(version.rules.body)))
