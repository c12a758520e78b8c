"""Random lives of a contract, held against a naive oracle: one answer at every instant as it was known at every other,
no gap unreported, past answers the same bytes whatever happens later, and decisions made by what the oracle says.

`--runs N` plays N histories, `--seed` says where they begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, Engine

from app.contracts.describe import terms_data, timeline_data, version_data
from app.contracts.known import known_versions
from app.contracts.operations.get_terms import get_terms
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_decisions
from app.core.instants import parse_instant, write_instant
from app.engine.reference import ReferenceMatcher
from app.engine.terms import NoTerms, TermsHistory
from app.rulelang.facts import Catalogue
from app.rulesets.operations.publish_list import publish_list
from app.runtime import Context, Runtime
from tests.builders.agreements import shop
from tests.builders.life_drafts import BEGUN, Asked
from tests.builders.life_steps import Contract
from tests.builders.oracle import KINDS, MICROSECOND, Answer, Rules, day_start

RUNS, STEPS = 30, 14
T = TypeVar("T")

PEOPLE = st.sampled_from(("ann", "bob", "sam", "eve"))
DAYS = st.sampled_from(
    [date(2026, 11, 1) + timedelta(days=days) for days in (0, 30, 60, 61, 75, 90, 120, 180, 365, 424)]
)
STARTS = DAYS | st.builds(lambda day, off: day_start(day) + off * MICROSECOND, DAYS, st.sampled_from((-1, 1)))
BACKDATED = st.sampled_from((None, "restate", "restate", "prospective"))
SOME_KINDS = st.sampled_from(
    [frozenset(KINDS), frozenset(KINDS), frozenset({"payout"}), frozenset({"eligibility"}), frozenset()]
)
ASKED = st.builds(
    Asked,
    STARTS,
    SOME_KINDS,
    BACKDATED,
    base=st.none() | st.none() | st.integers(1, 5),
    value=st.sampled_from((None, None, 10, 5000)),
    ends=st.none() | st.none() | st.sampled_from([date(2027, 1, 31), date(2027, 6, 30), date(2028, 2, 29)]),
    second_payout_after=st.none() | st.none() | st.sampled_from((1, 40)),
)
POLICIES = st.sampled_from(
    [
        {"approvals": 1},
        {"approvals": 1, "backdated": 2},
        {"approvals": 1, "value_over": [{"over": "1000", "approvals": 2}]},
        {"approvals": 2},
    ]
)


class Histories(RuleBasedStateMachine):
    """One contract's random life. `place` is a connection in which everything is taken back, `catalogue` the facts."""

    place: tuple[Connection, Catalogue]
    played = done = refused = 0

    def __init__(self) -> None:
        super().__init__()
        connection, catalogue = self.place
        self.savepoint = connection.begin_nested()
        self.contract = Contract(connection, catalogue)
        self.oracle = self.contract.oracle
        self.snapshots: dict[datetime, bytes] = {}
        self.settled = -1

    @initialize(asked=ASKED)
    def begin(self, asked: Asked) -> None:
        """Most contracts have terms from the start on."""
        self.agree(Asked(date(2026, 12, 1), value=asked.value), "ann", "sam", "eve")

    @rule(days=st.sampled_from((1, 15, 29, 31, 90, 200)))
    def time_goes_by(self, days: int) -> None:
        self.contract.now += timedelta(days=days)

    @rule(asked=ASKED, author=PEOPLE, first=PEOPLE, second=PEOPLE)
    def agree(self, asked: Asked, author: str, first: str, second: str) -> None:
        number = self.contract.draft(author, asked)
        self._carry(number, author, first, second)

    @rule(start=STARTS, backdated=BACKDATED, author=PEOPLE, first=PEOPLE, second=PEOPLE)
    def end_it(self, start: date | datetime, backdated: str | None, author: str, first: str, second: str) -> None:
        number = self.contract.draft(author, Asked(start, backdated=backdated), termination=True)
        self._carry(number, author, first, second)

    @rule(asked=ASKED, author=PEOPLE, first=PEOPLE)
    def reinstate(self, asked: Asked, author: str, first: str) -> None:
        self._carry(self.contract.draft(author, asked, reinstate=True), author, first, "eve")

    @rule(asked=ASKED, until=DAYS, author=PEOPLE, first=PEOPLE, at_once=st.booleans())
    def promote(self, asked: Asked, until: date, author: str, first: str, at_once: bool) -> None:
        plain = Asked(asked.start, asked.kinds, asked.backdated)
        number = self.contract.promote(author, plain, until)
        if at_once:
            self._carry(number, author, first, "eve")

    @rule(months=st.sampled_from((1, 2, 12, 13)), author=PEOPLE, first=PEOPLE, at_once=st.booleans())
    def renew(self, months: int, author: str, first: str, at_once: bool) -> None:
        number = self.contract.renew(author, months)
        if at_once:
            self._carry(number, author, first, "eve")

    @rule(asked=ASKED, author=PEOPLE)
    def draft(self, asked: Asked, author: str) -> None:
        self.contract.draft(author, asked)

    @rule(which=st.integers(0, 99), asked=ASKED, editor=PEOPLE)
    def edit(self, which: int, asked: Asked, editor: str) -> None:
        self._with_version(which, lambda number: self.contract.edit(editor, number, asked), ("draft",))

    @rule(which=st.integers(0, 99), actor=PEOPLE)
    def submit(self, which: int, actor: str) -> None:
        self._with_version(which, lambda number: self.contract.submit(actor, number), ("draft",))

    @rule(which=st.integers(0, 99), actor=PEOPLE)
    def approve(self, which: int, actor: str) -> None:
        self._with_version(which, lambda number: self.contract.approve(actor, number), ("submitted",))

    @rule(which=st.integers(0, 99), actor=PEOPLE, how=st.sampled_from(("rejected", "withdrawn")))
    def close(self, which: int, actor: str, how: str) -> None:
        self._with_version(which, lambda number: self.contract.close(actor, number, how), ("draft", "submitted"))

    @rule(which=st.integers(0, 99), actor=PEOPLE)
    def retire(self, which: int, actor: str) -> None:
        self._with_version(which, lambda number: self.contract.retire(actor, number), ("approved",))

    @rule(
        which=st.integers(0, 99),
        kind=st.sampled_from(KINDS),
        start=STARTS,
        backdated=BACKDATED,
        author=PEOPLE,
        first=PEOPLE,
    )
    def add_rules(
        self, which: int, kind: str, start: date | datetime, backdated: str | None, author: str, first: str
    ) -> None:
        since = start if isinstance(start, datetime) else day_start(start)

        def add(number: int) -> None:
            rule_number = self.contract.add_rules(author, number, kind, since, backdated)
            if rule_number is not None:
                rules = self._rules(number, kind, rule_number)
                self.contract.submit_rules(author, number, rules)
                self.contract.approve_rules(first, number, rules)

        self._with_version(which, add, ("approved",))

    @rule(which=st.integers(0, 99), what=st.sampled_from(("approve", "retire", "rejected", "withdrawn")), actor=PEOPLE)
    def change_rules(self, which: int, what: str, actor: str) -> None:
        added = [
            (version.number, rules)
            for version in self.oracle.versions
            for rules in version.rules
            if version.state == "approved" and (rules.created != version.created or what == "retire")
        ]
        if added:
            number, rules = added[which % len(added)]
            if what == "approve":
                self.contract.approve_rules(actor, number, rules)
            elif what == "retire":
                self.contract.retire_rules(actor, number, rules)
            else:
                self.contract.close_rules(actor, number, rules, what)

    @rule(policy=POLICIES)
    def set_policy(self, policy: dict[str, Any]) -> None:
        self.contract.set_policy(policy)

    @rule()
    def publish_list(self) -> None:
        self.contract.publish_list()

    @rule(at=STARTS)
    def convert(self, at: date | datetime) -> None:
        self.contract.convert(at if isinstance(at, datetime) else day_start(at))

    def _carry(self, number: int | None, author: str, *approvers: str) -> None:
        """Take a draft as far as these people can; not everybody can approve it."""
        if number is not None:
            self.contract.submit(author, number)
            for approver in approvers:
                if self.oracle.numbered(number).state == "submitted":
                    self.contract.approve(approver, number)

    def _with_version(self, which: int, step: Callable[[int], None], fitting: tuple[str, ...]) -> None:
        """Choose mostly a version that stands where the step begins, and now and then any."""
        versions = self.oracle.versions
        chosen = [version for version in versions if version.state in fitting] if which % 5 else versions
        if chosen:
            step(chosen[which // 5 % len(chosen)].number)

    def _rules(self, number: int, kind: str, rule_number: int) -> Rules:
        return next(r for r in self.oracle.numbered(number).rules if (r.kind, r.number) == (kind, rule_number))

    # What must hold after every step -----------------------------------------------------------------------------

    @invariant()
    def answers_are_those_of_the_oracle(self) -> None:
        if self.settled == self.contract.done:
            return
        self.settled = self.contract.done
        now = self.contract.now
        with self.contract.runtime.work("reader") as ctx:
            ctx = ctx.at(now)
            self._hold(ctx, now)
            self.snapshots[now] = self._snapshot(ctx, now)
            self._decisions(ctx)

    def teardown(self) -> None:
        """At the end everything that was ever known is asked for once more."""
        try:
            with self.contract.runtime.work("reader") as ctx:
                ctx = ctx.at(self.contract.now)
                for as_of, then in self.snapshots.items():
                    assert self._snapshot(ctx, as_of) == then, f"what was known at {as_of} has changed"
                    self._hold(ctx, as_of - MICROSECOND)
            type(self).played += 1
            type(self).done += self.contract.done
            type(self).refused += self.contract.refused
        finally:
            self.savepoint.rollback()

    def _hold(self, ctx: Context, as_of: datetime) -> None:
        found = get_terms(ctx, contract="acme", as_of=as_of)
        edges = self.oracle.edges(as_of) or [BEGUN]
        for edge in edges:
            for at in (edge - MICROSECOND, edge, edge + MICROSECOND):
                assert answer_of(found.history, at) == self.oracle.answer(at, as_of), (at, as_of)
        self._timeline(timeline_data(found), as_of)
        at = edges[len(edges) // 2]
        shown = terms_data(get_terms(ctx, contract="acme", at=at, as_of=as_of))
        answer = self.oracle.answer(at, as_of)
        if isinstance(answer, str):
            assert (shown["in_force"], shown["reason"]["code"]) == (None, answer)
        else:
            assert shown["in_force"]["contract_version"] == answer[0]
            assert shown["in_force"]["rules"]["payout"]["body"]["otherwise"] == {"flat": answer[1]["payout"]}
            version = self.oracle.numbered(answer[0])
            assert shown["in_force"]["params"] == ({} if version.minimum is None else {"minimum": version.minimum})
            tied = shown["in_force"]["rules"]["eligibility"]
            pins = {
                rules.pin
                for rules in version.rules
                if rules.kind == "eligibility" and rules.tag == answer[1]["eligibility"] and rules.is_known(as_of)
            }
            assert {name: one["version"] for name, one in tied["lists"].items()} in [
                {} if pin is None else {"vips": pin} for pin in pins
            ]

    def _timeline(self, shown: dict[str, Any], as_of: datetime) -> None:
        """Spans follow each other without an overlap, what has no terms is reported, and statuses are as dates say."""
        spans = shown["versions"]
        assert [span["effective_from"] for span in spans[1:]] == [span["until"] for span in spans[:-1]]
        assert not spans or spans[-1]["until"] is None
        gaps = [(gap["from"], gap["until"], gap["code"]) for gap in shown["gaps"]]
        assert gaps == [
            (write_instant(since), None if until is None else write_instant(until), code)
            for since, until, code in self.oracle.gaps(as_of)
        ]
        assert shown["status"] == self.oracle.contract_status(as_of)
        for span in spans:
            version = self.oracle.numbered(span["contract_version"])
            assert span["status"] == self.oracle.status(version, as_of)
            assert parse_instant(span["effective_from"]) == version.governs

    def _snapshot(self, ctx: Context, as_of: datetime) -> bytes:
        found = get_terms(ctx, contract="acme", as_of=as_of)
        versions = [version_data(known) for known in known_versions(ctx, "acme", as_of)]
        for shown in versions:
            assert shown["status"] == self.oracle.status(self.oracle.numbered(shown["number"]), as_of)
        return orjson.dumps([timeline_data(found), versions], option=orjson.OPT_SORT_KEYS)

    def _decisions(self, ctx: Context) -> None:
        """Each conversion is paid by the version that was in force at its instant, as it is known now."""
        if not self.contract.conversions:
            return
        settle_program(ctx, "shop")
        for identifier, at in self.contract.conversions.items():
            row = current_decisions(ctx.session, "shop", identifier)[0]
            assert row is not None
            answer = self.oracle.answer(at, self.contract.now)
            if isinstance(answer, str):
                assert (row.outcome, row.record["reasons"][0]["code"]) == ("no_contract", answer)
            else:
                paid = (row.outcome, row.contract_version, f"{row.amount.normalize():f}")
                assert paid == ("rated", answer[0], answer[1]["payout"])


def answer_of(history: TermsHistory, at: datetime) -> Answer:
    """Return what the product says is in force, in the oracle's words."""
    terms = history.at(at)
    if isinstance(terms, NoTerms):
        return terms.code
    payout, eligibility = terms.payout_body.otherwise, terms.eligibility_body.rules
    tags = {
        "payout": f"{payout.amount.normalize():f}",  # type: ignore[union-attr]
        "eligibility": eligibility[0].id[1:],
        "attribution": terms.attribution_body.claims and "claims",
    }
    return terms.version.number, tags


@pytest.fixture
def place(database: Engine, catalogue: Catalogue) -> Iterator[tuple[Connection, Catalogue]]:
    """A transaction with the program shop and the contract acme without terms, taken back in the end."""
    with database.connect() as connection, connection.begin() as transaction:
        with Runtime(connection, ReferenceMatcher(), catalogue).work("tester") as ctx:
            before = ctx.at(BEGUN - timedelta(days=400))
            shop(before, "acme")
            publish_list(before, id="vips", type="text", members=["u1"])
        yield connection, catalogue
        transaction.rollback()


def test_every_history_has_the_answers_of_the_oracle(
    place: tuple[Connection, Catalogue], request: pytest.FixtureRequest
) -> None:
    runs = request.config.getoption("--runs") or RUNS
    seed = request.config.getoption("--seed")
    machine = type("Histories", (Histories,), {"place": place})
    if seed is not None:
        machine._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]
    plain = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # a life that goes wrong is short enough, and to shorten it takes minutes
    )
    run_state_machine_as_test(machine, settings=plain)
    assert machine.played >= runs  # type: ignore[attr-defined]
    print(f"{machine.played} histories: {machine.done} steps done, {machine.refused} refused")  # type: ignore[attr-defined]
