"""One case, sent through what the API sends it through. What is accepted has to work: engines, words, hash and answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from app.adapters.durable_matcher import DurableMatcher
from app.conversions.envelope import Incoming, read_conversion
from app.core.errors import AppError, Finding
from app.engine.factsheet import Conversion, typed_facts
from app.engine.reference import ReferenceMatcher
from app.engine.terms import Contract, ContractVersion, RuleVersion, Terms, TermsHistory
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import RuleSet, check_rules, rules_from
from app.web.body import MAX_BODY, json_data
from tests.builders.bodies import VALID
from tests.builders.terms import DEFAULTS, decided
from tests.hostile.bodies import CATALOGUE, conversion
from tests.hostile.families import Case
from tests.hostile.pace import MOST_SECONDS

MOST_ANSWERED = 64 * 1024
_AT = datetime(1997, 7, 2, 14, tzinfo=UTC)
_START = datetime(1990, 1, 1, tzinfo=UTC)
_PARTY = Contract("acme", "cdnow", "acme", "USD", ZoneInfo("America/New_York"))
_DURABLE, _REFERENCE = DurableMatcher(), ReferenceMatcher()

Outcome = Literal["malformed", "refused", "too large", "accepted"]


class Hurt(AssertionError):
    """A case that the product did not stand."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case, and the process time it took to say so."""

    outcome: Outcome
    seconds: float


def tried(case: Case, most: float = MOST_SECONDS) -> Result:
    """Read a case and, if it is accepted, decide by it. Raises Hurt, or whatever the product lets out. A refusal may take
    `most` seconds of process time."""
    result, read = _read_in_time(case, most)
    if isinstance(read, RuleSet):
        _decide_by(read, Random(case.text))
    elif isinstance(read, Incoming):
        _decide_on(read)
    return result


def _read_in_time(case: Case, most: float) -> tuple[Result, Any]:
    result, read = _read(case)
    for _ in range(3):
        if result.outcome == "accepted" or result.seconds <= most:
            return result, read
        result, read = _read(case)  # a collection of garbage, or another process, may have fallen into it
    raise Hurt(f"{result.outcome} after {result.seconds * 1000:.0f} ms of process time")


def _read(case: Case) -> tuple[Result, Any]:
    start = time.process_time()
    outcome, answer, read = _answered(case)
    seconds = time.process_time() - start
    if len(answer) > MOST_ANSWERED + len(case.text):  # a pointer names every key on its way
        raise Hurt(f"{outcome} with an answer of {len(answer)} bytes")
    return Result(outcome, seconds), read


def _answered(case: Case) -> tuple[Outcome, bytes, Any]:
    if len(case.text) > MAX_BODY:
        return "too large", b"", None
    try:
        data = json_data(case.text)
    except AppError as problem:
        if problem.kind != "malformed":
            raise Hurt(f"malformed JSON is a problem of kind {problem.kind}") from problem
        return "malformed", orjson.dumps(problem.message), None
    if case.reader == "rules":
        rules, findings = check_rules(data, CATALOGUE)
        if rules is not None:
            return "accepted", b"", rules
    else:
        read = read_conversion(data, CATALOGUE)
        if isinstance(read, Incoming):
            return "accepted", b"", read
        findings = read
    return "refused", _shown(findings), None


def _shown(findings: list[Finding]) -> bytes:
    if not any(finding.severity == "error" for finding in findings):
        raise Hurt("refused without an error")
    return orjson.dumps([finding.as_dict() for finding in findings])


def _decide_by(rules: RuleSet, random: Random) -> None:
    for line in body_lines(rules.body):
        if not line.isprintable():
            raise Hurt(f"a rule reads {line!r}")
    terms = _terms({rules.kind: rules})
    for _ in range(2):
        facts, _wrong = typed_facts(conversion(random)["facts"], CATALOGUE, "")
        _agree(terms, Conversion("c1", "cdnow", _AT, "acme", facts, random.choice((None, 1, 5))))


def _decide_on(incoming: Incoming) -> None:
    for terms in _STANDING:
        _agree(terms, Conversion(incoming.id, incoming.program, incoming.event_at, incoming.partner, incoming.facts, 1))


def _agree(terms: Terms, one: Conversion) -> None:
    before = dict.fromkeys(terms.counters_since, Decimal(3))
    by_reference, by_durable = (decided(terms, one, matcher, before) for matcher in (_REFERENCE, _DURABLE))
    if by_reference != by_durable:
        raise Hurt(f"{by_reference} by reference, {by_durable} by durable")


def _terms(rules: dict[str, RuleSet]) -> Terms:
    checked = {kind: rules.get(kind) or _DEFAULTS[kind] for kind in _DEFAULTS}
    versions = tuple(RuleVersion(f"{kind}-1", 1, one, _START, _START) for kind, one in checked.items())
    found = TermsHistory(_PARTY, [ContractVersion(1, _START, _START, rule_versions=versions)], _AT).at(_AT)
    assert isinstance(found, Terms)
    return found


_DEFAULTS: dict[str, RuleSet] = {kind: rules_from({"kind": kind, **body}, CATALOGUE) for kind, body in DEFAULTS.items()}
_CHECKED = [rules_from(body, CATALOGUE) for body in VALID]
_STANDING = [_terms({one.kind: one}) for one in _CHECKED]
