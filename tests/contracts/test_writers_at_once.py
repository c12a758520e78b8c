"""Eight writers at once on one contract: nothing that anybody was told is lost, and no two terms are in force at once.

`--runs N` plays N rounds, `--seed` says where they begin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import select

from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.get_terms import get_terms
from app.contracts.repository import contract_named, unsettle
from app.conversions.operations.settle_program import settle_program
from app.core.instants import parse_instant
from app.engine.reference import ReferenceMatcher
from app.engine.terms import NoTerms
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from app.store.models import Approval, ContractVersion, Conversion, Decision, RuleVersion, SavedDraft
from tests.builders.agreements import agreed, rules, shop
from tests.builders.own_database import own_database
from tests.builders.writers import EVENTS, Deeds, Writer, flat, program_of

ROUNDS, WRITERS, ROUNDS_A_CONTRACT = 8, 8, 2


@pytest.fixture
def runtime(server_url: str, catalogue: Catalogue) -> Iterator[Runtime]:
    """A process on a database of its own, in which everything is committed, with a connection for each writer."""
    with own_database(server_url, pool_size=2 * WRITERS) as engine:
        yield Runtime(engine, ReferenceMatcher(), catalogue)


def test_nothing_is_lost_and_nothing_overlaps(runtime: Runtime, request: pytest.FixtureRequest) -> None:
    rounds = request.config.getoption("--runs") or ROUNDS
    rng = Random(request.config.getoption("--seed") or 20261125)
    told: Counter[str] = Counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(rounds):
            contract = f"acme-{number // ROUNDS_A_CONTRACT}"
            shared = _prepare(runtime, contract, is_new=number % ROUNDS_A_CONTRACT == 0)
            barrier = Barrier(WRITERS)
            writers = [
                Writer(runtime, contract, number, place, shared, Random(rng.random())) for place in range(WRITERS)
            ]
            deeds = [future.result() for future in [pool.submit(writer.work, barrier) for writer in writers]]
            with runtime.work("auditor") as ctx:
                _no_update_is_lost(ctx, contract, shared, deeds)
                _nothing_overlaps(ctx, contract)
                _decisions_are_those_of_one_writer(ctx, contract)
            for one in deeds:
                told.update(one.again + one.refused)
                told.update(edits=len(one.edits), approvals=len(one.approved), retirements=len(one.retired))
                told.update(conversions=len(one.conversions))
    print(f"{rounds} rounds: {dict(sorted(told.items()))}")
    assert told["edits"] == rounds * WRITERS
    assert told["approvals"] > rounds * WRITERS // 2
    assert told["conversions"] == rounds * WRITERS * 3 // 4
    assert told["revision_moved"] > 0, "nobody ever stood in anybody's way"


def _prepare(runtime: Runtime, contract: str, *, is_new: bool) -> int:
    with runtime.work("tester") as ctx:
        if is_new:
            shop(ctx, contract, program=program_of(contract))
            agreed(ctx, contract, "2026-01-01", rules=rules(flat("0.50")))
    with runtime.work("tester") as ctx:
        return draft_version(ctx, contract=contract, effective_from="2050-01-01", rules=rules(flat("1"))).number


def _no_update_is_lost(ctx: Context, contract: str, shared: int, deeds: list[Deeds]) -> None:
    """Every edit that was reported is there, in its place; so is every approval and retirement."""
    saved = ctx.session.scalars(
        select(SavedDraft).filter_by(version_id=f"{contract}/{shared}").order_by(SavedDraft.revision)
    ).all()
    edits = sorted(edit for one in deeds for edit in one.edits)
    assert (
        [row.revision for row in saved] == [1, *(revision for revision, _ in edits)] == list(range(1, len(saved) + 1))
    )
    assert [row.content["value"] for row in saved[1:]] == [value for _, value in edits]
    versions = {row.number: row for row in ctx.session.scalars(select(ContractVersion).filter_by(contract_id=contract))}
    assert versions[shared].revision == len(saved)
    assert sorted(versions) == list(range(1, len(versions) + 1))
    given = set(ctx.session.scalars(select(Approval.contract_version_id)))
    for one in deeds:
        for number in one.approved:
            assert versions[number].recorded_at is not None
            assert versions[number].id in given
        for number in one.retired:
            assert versions[number].retired_at is not None
            assert versions[number].retired_by == "auditor"


def _nothing_overlaps(ctx: Context, contract: str) -> None:
    """No start is there twice, now or as it was known at any instant at which something was approved or retired."""
    rows = ctx.session.scalars(select(ContractVersion).filter_by(contract_id=contract)).all()
    instants = {at for row in rows for at in (row.recorded_at, row.retired_at) if at is not None}
    for as_of in instants:
        known = [
            r for r in rows if r.recorded_at and r.recorded_at <= as_of and not (r.retired_at and r.retired_at <= as_of)
        ]
        starts = [row.in_force_from for row in known]
        assert len(starts) == len(set(starts)), as_of
    history = get_terms(ctx, contract=contract).history
    live = {row.in_force_from: row.number for row in rows if row.recorded_at and not row.retired_at}
    assert [(span.since, span.version.number) for span in history.spans] == sorted(live.items())
    for event in EVENTS:
        at = parse_instant(event)
        assert at is not None
        begun = max(start for start in live if start is not None and start <= at)
        terms = history.at(at)
        assert not isinstance(terms, NoTerms)
        assert terms.version.number == live[begun]


def _decisions_are_those_of_one_writer(ctx: Context, contract: str) -> None:
    """What is settled is what the versions that are in force now pay, and deciding it all again changes nothing."""
    program = program_of(contract)
    settle_program(ctx, program)
    live = {
        row.number: row.in_force_from
        for row in ctx.session.scalars(select(ContractVersion).filter_by(contract_id=contract, retired_at=None))
        if row.in_force_from is not None
    }
    pays = {
        int(rule.contract_version_id.rsplit("/", 1)[1]): rule.body["otherwise"]["flat"]
        for rule in ctx.session.scalars(select(RuleVersion).filter_by(kind="payout"))
        if rule.contract_version_id.startswith(f"{contract}/")
    }
    rows = ctx.session.scalars(select(Decision).filter_by(program_id=program, retired_at=None)).all()
    assert len(rows) == len(ctx.session.scalars(select(Conversion.id).filter_by(program_id=program)).all())
    for row in rows:
        number = max((start, number) for number, start in live.items() if start <= row.event_at)[1]
        assert (row.outcome, row.contract_version, row.amount) == ("rated", number, Decimal(pays[number]))
    unsettle(ctx.session, contract_named(ctx.session, contract), None, None)
    again = settle_program(ctx, program)
    assert (again.looked_at, again.decided, again.changed) == (len(rows), 0, 0)
