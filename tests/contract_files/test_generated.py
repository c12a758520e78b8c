"""Random documents and random lives of contracts: what is exported, applied and exported again is the same text."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.adapters.yaml_text import yaml_text
from app.contract_files.document import document_data, document_text
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.close_version import reject_version, withdraw_version
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.reinstate_contract import reinstate_contract
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.core.errors import AppError
from app.core.instants import write_instant
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.runtime import Context, Runtime
from app.scenarios.scratch import taken_back
from tests.builders.agreements import ACCEPT_ALL, CLAIMS, percent, shop
from tests.builders.documents import applied, exported, read, written
from tests.builders.random_documents import document_data_of

HERE = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def runs(request: pytest.FixtureRequest) -> Any:
    return request.config.getoption("--runs")


def test_random_documents_come_back_byte_by_byte(process: Runtime, empty: Connection, runs: int | None) -> None:
    kinds: set[str] = set()

    @settings(HERE, max_examples=runs or 20)
    @given(st.integers(0, 2**32))
    def holds(seed: int) -> None:
        document = read(yaml_text(document_data_of(random.Random(seed))))
        kinds.update(version.kind for version in document.versions)
        text = document_text(document)
        assert document_text(read(text)) == text
        assert document_data(read(text)) == document_data(document)
        with taken_back(empty):
            applied(process, text, submit=False)
            assert exported(process, "on") == text
            (again,) = applied(process, text, submit=False)
            assert (again.plan.changes, again.written) == (False, ())

    holds()
    assert {"initial", "amendment", "promotion", "restoration", "renewal", "termination"} <= kinds


def test_random_lives_come_back_byte_by_byte(process: Runtime, empty: Connection, runs: int | None) -> None:
    done: set[str] = set()

    @settings(HERE, max_examples=runs or 16)
    @given(st.integers(0, 2**32))
    def holds(seed: int) -> None:
        with taken_back(empty):
            life = _Life(process, random.Random(seed))
            life.live()
            done.update(life.done)
            text = exported(process, "acme")
            (same,) = applied(process, text)
            assert not same.plan.changes, same.plan
        with taken_back(empty):
            applied(process, text, submit=False)
            assert exported(process, "acme") == text
            assert all(state == "draft" for _, _, state in written(process, "acme"))

    holds()
    assert done >= {"draft", "promote", "approve", "submit", "terminate", "grow_list"}


class _Life:
    """Things people do with a contract, at random; what is refused is not done."""

    def __init__(self, process: Runtime, chance: random.Random) -> None:
        self.process, self.chance = process, chance
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.done: set[str] = set()

    def live(self) -> None:
        self.do(self.begin)
        for _ in range(self.chance.randint(4, 12)):
            self.now += timedelta(days=self.chance.randint(0, 40), seconds=1)
            twice = ("draft", "draft", "add_rules", "add_rules")
            verbs = (*twice, "promote", "renew", "terminate", "reinstate", "grow_list", "retire")
            verb = self.chance.choice(verbs)
            if self.do(getattr(self, verb)):
                self.done.add(verb)

    def do(self, what: Any) -> bool:
        try:
            with self.process.work("ann") as ctx:
                what(ctx.at(self.now))
        except AppError as error:
            if error.kind == "fault":
                raise
            return False
        return True

    def begin(self, ctx: Context) -> None:
        shop(ctx, "acme")
        publish_list(ctx, id="codes", type="text", members=["A"])
        self.end(ctx, draft_version(ctx, contract="acme", effective_from="2030-01-01", **self.terms()).number)

    def end(self, ctx: Context, number: int) -> None:
        """Let what was drafted go some way, mostly all of it."""
        how = self.chance.choice(("approve", "approve", "approve", "submit", "leave", "reject", "withdraw"))
        approver, about = ctx.acting_as("bob"), {"contract": "acme", "number": number}
        if how in ("approve", "submit", "reject"):
            submit_version(ctx, **about)
        if how == "approve":
            approve_version(approver, **about)
        elif how == "reject":
            reject_version(approver, reason="no", **about)
        elif how == "withdraw":
            withdraw_version(ctx, **about)
        self.done.add(how)

    def start(self) -> str:
        there = self.now + timedelta(days=self.chance.randint(-60, 200), seconds=self.chance.choice((0, 1)))
        return there.date().isoformat() if self.chance.random() < 0.6 else write_instant(there)

    def terms(self) -> dict[str, Any]:
        rate = str(self.chance.randint(1, 9))
        listed = {"fact": "coupon_code", "op": "in", "value": {"list": "codes"}}
        eligibility = {"kind": "eligibility", "rules": [{"id": "a", "when": listed, "then": "accept"}]}
        refused = {**eligibility, "otherwise": {"reject": "NO_CODE"}}
        chosen = refused if self.chance.random() < 0.6 else ACCEPT_ALL
        ends = {"ends_on": (self.now.date() + timedelta(days=self.chance.randint(1, 400))).isoformat()}
        renewal = {"renewal": {"mode": "fixed", "months": 6, "uplift": "10", "notice_days": 30}}
        return {
            "rules": {"eligibility": chosen, "attribution": CLAIMS, "payout": percent(rate)},
            "backdated": self.chance.choice(("restate", "prospective")),
            **self.chance.choice(({}, ends, ends | renewal)),
            **({}, {"settlement": {}}, {"settlement": {"lock": {"event_days": 45}}})[int(rate) % 3],
        }

    def draft(self, ctx: Context) -> None:
        self.end(ctx, draft_version(ctx, contract="acme", effective_from=self.start(), **self.terms()).number)

    def promote(self, ctx: Context) -> None:
        start = self.now + timedelta(days=self.chance.randint(1, 50))
        until = start + timedelta(days=self.chance.randint(1, 9))
        about = {"effective_from": start.date().isoformat(), "until": write_instant(until)}
        self.end(ctx, draft_promotion(ctx, contract="acme", rules={"payout": percent("50")}, **about)[0].number)

    def renew(self, ctx: Context) -> None:
        self.end(ctx, draft_renewal(ctx, contract="acme", months=6, backdated="restate").number)

    def terminate(self, ctx: Context) -> None:
        about = {"effective_from": self.start(), "backdated": "restate"}
        self.end(ctx, draft_version(ctx, contract="acme", termination=True, **about).number)

    def reinstate(self, ctx: Context) -> None:
        about = {"effective_from": self.start(), "backdated": "restate"}
        self.end(ctx, reinstate_contract(ctx, contract="acme", **about).number)

    def add_rules(self, ctx: Context) -> None:
        about: dict[str, Any] = {"contract": "acme", "number": self.chance.randint(1, 3), "kind": "payout"}
        body, start = percent(str(self.chance.randint(10, 20))), self.start()
        rule = draft_rule_version(ctx, effective_from=start, body=body, backdated="restate", **about)
        if self.chance.random() < 0.8:
            submit_rule_version(ctx, rule_number=rule.number, **about)
        if self.chance.random() < 0.5:
            approve_rule_version(ctx.acting_as("bob"), rule_number=rule.number, **about)

    def grow_list(self, ctx: Context) -> None:
        publish_list_version(ctx, list="codes", members=["A", *self.chance.sample("BCDEFG", 3)])

    def retire(self, ctx: Context) -> None:
        number = self.chance.randint(1, 8)
        retire_version(ctx.acting_as("bob"), contract="acme", number=number, reason="a mistake")
