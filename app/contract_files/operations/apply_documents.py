"""Apply documents: create what is missing, and draft and submit the versions that say something new. Nobody's approval is
replaced by it, and nothing that is there is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.adapters import yaml_files
from app.contract_files.document import FRAME, Document
from app.contract_files.errors import PlanChanged
from app.contract_files.in_words import version_lines
from app.contract_files.operations.export_contract import export_contract, lists_said, partner_said, program_said
from app.contract_files.plan import Plan, There, VersionPlan, plan_data, plan_of
from app.contract_files.reading import malformed
from app.contracts.operations.create_contract import create_contract
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.draft_whole import draft_whole, edit_whole
from app.contracts.operations.edit_version import edit_rule_version
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.contracts.repository import version_numbered, versions_of
from app.contracts.whole import WholeVersion
from app.core.errors import AppError, Finding, pointer_of
from app.core.instants import write_instant
from app.partners.mapping import catalogue_of
from app.partners.operations.create_partner import create_partner
from app.partners.operations.create_program import create_program
from app.partners.operations.declare_facts import declare_facts
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.runtime import Context
from app.store.models import Contract, Partner, Program


@dataclass(frozen=True, slots=True)
class FromFile:
    """A document and the file it was read from, which knows the line of each of its parts."""

    source: yaml_files.Document
    document: Document


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan that was carried out, and the ids of the versions and rule versions that were written for it."""

    plan: Plan
    written: tuple[str, ...]


def apply_documents(
    ctx: Context,
    *,
    files: Sequence[FromFile],
    backdated: str | None = None,
    submit: bool = True,
    shown: Sequence[Plan] | None = None,
) -> list[Applied]:
    """Do what the plan of each document says.

    `backdated` says how starts in the past are meant; where nothing of a contract is approved yet, nothing was decided
    under it, and `restate` need not be said. With `shown`, refuses if something else is to be done by now. Raises
    DocumentMalformed with everything that cannot be done; nothing is kept then.
    """
    applied = []
    for index, file in enumerate(files):
        there = what_is_there(ctx, file.document)
        words = partial(version_lines, catalogue=_catalogue(ctx, file.document))
        plan = plan_of(file.document, there, words)
        if plan.refusals:
            raise malformed(file.source, plan.refusals)
        if shown is not None and plan_data(plan) != plan_data(shown[index]):
            raise PlanChanged(f"The contract {plan.contract} was changed meanwhile. Look at the plan again.")
        applied.append(Applied(plan, tuple(_Applying(ctx, file, there, plan, backdated).run(submit))))
    return applied


def what_is_there(ctx: Context, document: Document) -> There:
    """Return what the database has of that which a document names."""
    program = ctx.session.get(Program, document.program["id"])
    partner = ctx.session.get(Partner, document.partner["id"])
    contract = ctx.session.get(Contract, document.id)
    there = There(
        None if program is None else program_said(program),
        None if partner is None else partner_said(partner),
        lists_said(ctx, list(document.lists), ctx.now()),
    )
    if contract is None:
        return there
    frame = {"id": contract.id, **{key: getattr(contract, key) for key in FRAME}}
    names = {"program": contract.program_id, "partner": contract.partner_id}
    exported = export_contract(ctx, contract=contract.id)
    has_terms = any(version.recorded_at is not None for version in versions_of(ctx.session, contract.id))
    return replace(
        there, contract=frame | names, document=exported.document, stated=exported.stated, has_terms=has_terms
    )


def _catalogue(ctx: Context, document: Document) -> Any:
    program = ctx.session.get(Program, document.program["id"])
    return ctx.catalogue if program is None else catalogue_of(program, ctx.catalogue)


class _Applying:
    def __init__(self, ctx: Context, file: FromFile, there: There, plan: Plan, backdated: str | None) -> None:
        self.ctx, self.source, self.document = ctx, file.source, file.document
        self.there, self.plan = there, plan
        self.backdated = backdated
        self.findings: list[Finding] = []

    def run(self, submit: bool) -> list[str]:
        for part in self.plan.parts:
            at = "/lists" + pointer_of(part.name) if part.what == "list" else f"/{part.what}"
            if part.what == "contract":
                self.require_good()
            if part.action != "same":
                self.note(at, partial(getattr(self, f"{part.action}_{part.what}"), part.name))
        self.require_good()
        drafted = self.draft_versions()
        self.require_good()
        for place, number in drafted.items() if submit else ():
            self.note(_at(place), partial(self.submit, number))
        self.require_good()
        ids = ("/".join(map(str, (self.document.id, *one))) for each in drafted.values() for one in each)
        return list(ids)

    def note(self, at: str, what: Any) -> Any:
        """Do one thing; if it is refused, note why and where it stands in the file."""
        try:
            return what()
        except AppError as error:
            if error.kind == "fault":
                raise
            found = [finding for finding in error.findings if finding.severity == "error"]
            if error.kind in ("invalid", "malformed") and found:
                self.findings += [finding.at(at) for finding in found]
            else:
                self.findings.append(Finding(error.code, error.message, at))
            return None

    def require_good(self) -> None:
        if self.findings:
            raise malformed(self.source, self.findings)

    # -------------------------------------------------------------- parts

    def create_program(self, name: str) -> None:
        create_program(self.ctx, **self.document.program)

    def extend_program(self, name: str) -> None:
        declare_facts(self.ctx, program=name, facts=dict(self.document.program["facts"]))

    def create_partner(self, name: str) -> None:
        create_partner(self.ctx, **self.document.partner)

    def create_list(self, name: str) -> None:
        said = self.document.lists[name]
        publish_list(self.ctx, id=name, type=said.type, members=said.versions[0], description=said.description)
        self.publish_more(name, said.versions[1:])

    def extend_list(self, name: str) -> None:
        self.publish_more(name, self.document.lists[name].versions[len(self.there.lists[name].versions) :])

    def publish_more(self, name: str, versions: Sequence[Sequence[str]]) -> None:
        for members in versions:
            publish_list_version(self.ctx, list=name, members=members)

    def create_contract(self, name: str) -> None:
        program, partner = self.document.program["id"], self.document.partner["id"]
        create_contract(self.ctx, program=program, partner=partner, **self.document.contract)

    # ----------------------------------------------------------- versions

    def draft_versions(self) -> dict[int, list[Any]]:
        """Write all drafts; return what is to be submitted by its place in the document."""
        drafted: dict[int, list[Any]] = {}
        plans = [plan for plan in self.plan.versions if plan.place is not None]
        done: set[int] = set()
        for index, plan in enumerate(plans):
            assert plan.place is not None
            if plan.place in done or plan.action == "same":
                continue
            said = self.declared(plan)
            if said is None:
                continue
            do = partial(self.draft, said)
            if plan.action == "edit":
                do = partial(self.edit, plan, said)
            elif plan.action == "add rules":
                do = partial(self.add_rules, plan, said)
            elif said.until is not None:
                after = self.declared(plans[index + 1])
                done.add(plan.place + 1)
                do = partial(self.draft, said, *([after] if after is not None else []))
            drafted[plan.place] = self.note(_at(plan.place), do) or []
        return drafted

    def declared(self, plan: VersionPlan) -> WholeVersion | None:
        """Return what is said with how a start in the past is meant, or None where nobody says so."""
        said, now = plan.said, self.ctx.now()
        starts = [added.rules.start for added in plan.added] or [said.start]
        if said.backdated is not None or min(starts) >= now:
            return said
        before = [one.backdated for one in self.there.stated if plan.action == "edit" and one.number == plan.number]
        meant = self.backdated or next(iter(before), None) or (None if self.there.has_terms else "restate")
        if meant is None:
            assert plan.place is not None
            message = f"this change starts in the past, at {write_instant(min(starts))}; say how that is meant"
            hint = "--backdated restate decides again what happened since; --backdated prospective leaves that as it is"
            self.findings.append(Finding("backdating_undeclared", message, _at(plan.place) + "/effective_from", hint))
            return None
        return replace(said, backdated=meant)

    def draft(self, *said: WholeVersion) -> list[Any]:
        rows = draft_whole(self.ctx, contract=self.document.id, said=said)
        return [(row.number,) for row in rows if row.kind != "expiry"]

    def edit(self, plan: VersionPlan, said: WholeVersion) -> list[Any]:
        assert plan.number is not None
        return [(edit_whole(self.ctx, contract=self.document.id, number=plan.number, said=said).number,)]

    def add_rules(self, plan: VersionPlan, said: WholeVersion) -> list[Any]:
        assert plan.number is not None
        found = []
        for added in plan.added:
            about: dict[str, Any] = {
                "contract": self.document.id,
                "number": plan.number,
                "kind": added.kind,
                "effective_from": write_instant(added.rules.start),
                "body": added.rules.body,
                "backdated": said.backdated,
            }
            if added.edits is None:
                rule = draft_rule_version(self.ctx, **about)
            else:
                rule = edit_rule_version(self.ctx, rule_number=added.edits, **about)
            found.append((plan.number, added.kind, rule.number))
        return found

    def submit(self, drafted: Sequence[tuple[Any, ...]]) -> None:
        """Submit what was drafted, unless it was submitted with the version whose fate it shares."""
        contract = self.document.id
        for number, *rule in drafted:
            if rule:
                submit_rule_version(self.ctx, contract=contract, number=number, kind=rule[0], rule_number=rule[1])
            elif version_numbered(self.ctx.session, contract, number).state == "draft":
                submit_version(self.ctx, contract=contract, number=number)


def _at(place: int) -> str:
    return "/versions" + pointer_of(place)
