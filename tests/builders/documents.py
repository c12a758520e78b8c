"""Contracts as documents, to and from databases, by the operations of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.adapters.yaml_files import parse_yaml
from app.contract_files.document import Document, document_text
from app.contract_files.operations.apply_documents import Applied, FromFile, apply_documents
from app.contract_files.operations.export_contract import export_contract
from app.contract_files.reading import read_document
from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.repository import versions_of
from app.runtime import Runtime

PATH = Path("contract.yaml")
WRITER = "file writer"


def read(text: str) -> Document:
    """Return the document of a text."""
    return read_document(parse_yaml(text, PATH))


def exported(runtime: Runtime, contract: str, **options: Any) -> str:
    """Return a contract's document as text."""
    with runtime.work(WRITER) as ctx:
        return document_text(export_contract(ctx, contract=contract, **options).document)


def applied(runtime: Runtime, *texts: str, **options: Any) -> list[Applied]:
    """Apply documents, as one unit of work."""
    files = [FromFile(source := parse_yaml(text, PATH), read_document(source)) for text in texts]
    with runtime.work(WRITER) as ctx:
        return apply_documents(ctx, files=files, **options)


def actions(plans: list[Applied]) -> list[str]:
    """Return what is done about each version of the first document, in order."""
    return [version.action for version in plans[0].plan.versions]


def all_approved(runtime: Runtime, contract: str) -> None:
    """Have everything that is submitted approved in order of its numbers, by as many people as it needs."""
    with runtime.work("people") as ctx:
        for version in versions_of(ctx.session, contract):
            people = [ctx.acting_as(f"approver {number}") for number in range(version.approvals_needed or 0)]
            for person in people if version.state == "submitted" else ():
                approve_version(person, contract=contract, number=version.number)
            for rule in version.rule_versions:
                people = [ctx.acting_as(f"approver {number}") for number in range(rule.approvals_needed or 0)]
                for person in people if rule.state == "submitted" else ():
                    about = {"number": version.number, "kind": rule.kind, "rule_number": rule.number}
                    approve_rule_version(person, contract=contract, **about)


def written(runtime: Runtime, contract: str) -> list[tuple[int, str, str]]:
    """Return number, kind and state of every version of a contract."""
    with runtime.work(WRITER) as ctx:
        return [(version.number, version.kind, version.state) for version in versions_of(ctx.session, contract)]
