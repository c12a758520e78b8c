"""Every operation × every role × one's own, another one's, and nothing: who may do what, and what a partner is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from app.access.gate import KeyGate
from app.access.permissions import PERMISSIONS
from app.scenarios.scratch import taken_back
from app.store.scope import WHOLE
from tests.access.caller import World, leaks
from tests.access.operations import HIDDEN_FROM_PARTNERS, OPERATIONS, ROLES, Asked
from tests.access.world import MINE, OF_THEIRS
from tests.builders.owner import as_owner


def test_every_operation_is_in_the_table(world: World) -> None:
    missing, gone = set(world.methods) - set(OPERATIONS), set(OPERATIONS) - set(world.methods)
    assert not missing, f"say in tests/access/operations.py who may use {sorted(missing)}, and how it is asked for"
    assert not gone, f"tests/access/operations.py speaks of operations that are not there: {sorted(gone)}"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_does_what_it_may_not_and_every_refusal_is_audited(world: World, role: str) -> None:
    found = list(unexpected(world, role))
    assert not found, f"{len(found)} unexpected:\n" + "\n".join(found)


def test_a_partner_is_told_of_its_own_and_of_nobody_elses(world: World) -> None:
    assert list(leaks(world)) == []


def test_the_same_questions_show_a_partners_secrets_to_the_house(world: World) -> None:
    """The marks that are looked for are there to be found."""
    shown = [name for name, asked in OPERATIONS.items() if asked.theirs and "partner" in asked.roles]
    for name in shown:
        theirs = OPERATIONS[name].theirs or ""
        assert OF_THEIRS.search(world.ask("finance", name, theirs).response.data), name


@pytest.mark.parametrize("path", HIDDEN_FROM_PARTNERS)
def test_what_is_not_approved_is_not_there_for_partners(world: World, path: str) -> None:
    operation = "list_rule_versions" if path.endswith("rule-versions") else "show_rule_version"
    path = path.replace("@", MINE)
    assert world.ask("finance", operation, path).status == 200
    assert world.ask("partner", operation, path).status == 404


FAULTS = {
    table: f"DROP POLICY own ON {table}; CREATE POLICY own ON {table} FOR SELECT TO termline_partner USING (true)"
    for table in (
        "partners",
        "programs",
        "contracts",
        "conversions",
        "decisions",
        "statements",
    )
} | {
    "a policy is gone": "DROP POLICY own ON statement_lines",
    "no row-level security": "ALTER TABLE contracts DISABLE ROW LEVEL SECURITY",
    "drafts are shown": "DROP POLICY own ON contract_versions;"
    "CREATE POLICY own ON contract_versions FOR SELECT TO termline_partner USING (true)",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_policies_is_found(world: World, fault: str) -> None:
    with changed(world, FAULTS[fault]):
        assert any(leaks(world))


def test_a_forgotten_scope_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runtime.scope_of", lambda partner: WHOLE)
    assert len(list(leaks(world))) > 10


def test_a_role_that_may_more_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PERMISSIONS, "finance", PERMISSIONS["finance"] | {"configure"})
    assert any("finance add_partner" in said for said in unexpected(world, "finance"))


def test_a_refusal_that_is_not_audited_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyGate, "refused", lambda *_: None)
    assert any(unexpected(world, "finance"))


def unexpected(world: World, role: str) -> Iterator[str]:
    """Yield every answer that a role should not have got, or that left something else in the audit trail."""
    for name, asked in OPERATIONS.items():
        for what, path in (("mine", asked.mine), ("theirs", asked.theirs), ("nothing", asked.nothing)):
            if path is None:
                continue
            answered = world.ask(role, name, path)
            said = [(each["operation"], each["role"], each["code"]) for each in answered.refusals]
            statuses, audited = _expected(role, name, asked, what)
            if answered.status not in statuses or said != audited:
                yield f"{role} {name} {what}: {answered.status}, audited {said}; {answered.response.text[:200]}"


def _expected(role: str, name: str, asked: Asked, what: str) -> tuple[tuple[int, ...], list[tuple[str, str, str]]]:
    if role not in asked.roles:
        return (403,), [(name, role, "role_not_allowed")]
    is_hidden = what == "nothing" or (what == "theirs" and role == "partner")
    if is_hidden:
        return (404,), []
    return ((200, 201, 202) if asked.business is None else (asked.business,)), []


@contextmanager
def changed(world: World, statements: str) -> Iterator[None]:
    """Change the database as its owner, for a while."""
    with taken_back(world.connection):
        with as_owner(world.connection) as owner:
            for statement in statements.split(";"):
                owner.execute(text(statement))
        yield
