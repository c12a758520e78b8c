"""Contracts and terms as data for people and programs: what API and commands show. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.analysis.findings import blocking
from app.analysis.shown import difference_data
from app.contracts.operations.check_version import CheckedRules
from app.contracts.operations.get_terms import TermsAt
from app.core.instants import write_instant
from app.core.timeline import Span
from app.engine.terms import ContractVersion as EngineVersion
from app.engine.terms import NoTerms, RuleVersion, TermsHistory
from app.rulelang.printer import body_lines
from app.rulelang.table import table_of
from app.store.models import Contract, ContractVersion
from app.store.models import RuleVersion as RuleRow


def contract_data(contract: Contract) -> dict[str, Any]:
    """Return a contract."""
    return {
        "id": contract.id,
        "program": contract.program_id,
        "partner": contract.partner_id,
        "direction": contract.direction,
        "currency": contract.currency,
        "timezone": contract.timezone,
        "rounding": contract.rounding,
        "created_at": write_instant(contract.created_at),
    }


def _approval_data(row: ContractVersion | RuleRow) -> dict[str, Any]:
    return {
        "state": row.state,
        "effective_from": write_instant(row.effective_from),
        "backdated": row.backdated,
        "created_by": row.created_by,
        "created_at": write_instant(row.created_at),
        "submitted_by": row.submitted_by,
        "submitted_at": _optional(row.submitted_at),
        "approved_by": row.approved_by,
        "recorded_at": _optional(row.recorded_at),
        "retired_at": _optional(row.retired_at),
    }


def version_data(version: ContractVersion) -> dict[str, Any]:
    """Return a contract version with its rule versions."""
    return {
        "contract": version.contract_id,
        "number": version.number,
        **_approval_data(version),
        "termination": version.is_termination,
        "base": version.base_number,
        "content_hash": version.content_hash,
        "params": version.params,
        "rule_versions": [rule_version_data(rule) for rule in sorted(version.rule_versions, key=_place)],
    }


def _place(rule: RuleRow) -> tuple[str, int]:
    """Rules are shown in one order, just drafted or read: the tag of a version is that of what is shown."""
    return rule.kind, rule.number


def rule_version_data(rule: RuleRow) -> dict[str, Any]:
    """Return a rule version with its body."""
    return {
        "id": rule.id,
        "kind": rule.kind,
        "number": rule.number,
        **_approval_data(rule),
        "hash": rule.hash,
        "lists": rule.lists,
        "body": rule.body,
    }


def checked_data(checked: CheckedRules) -> dict[str, Any]:
    """Return what there is to say of a rule version: findings with examples, the rules in words and as a table, and how
    they differ from those in force at its start."""
    rules, before = checked.rules, checked.before
    compared = difference_data(checked.difference) if before and checked.difference else None
    return {
        "id": checked.row.id,
        "kind": checked.row.kind,
        "ok": not blocking(checked.findings),
        "findings": [analysed.as_dict() for analysed in checked.findings],
        "in_words": body_lines(rules.body) if rules else [],
        "table": table_of(rules.body).as_dict() if rules else None,
        "compared_with": before and before.id,
        "compared": compared,
    }


def terms_data(found: TermsAt) -> dict[str, Any]:
    """Return the terms in force at an instant; `in_force` is null, with a reason, where there are none."""
    asked = {
        "contract": found.contract.id,
        "at": write_instant(found.at),
        "as_of": write_instant(found.as_of),
    }
    terms = found.terms
    if isinstance(terms, NoTerms):
        return {**asked, "in_force": None, "reason": {"code": terms.code, "message": terms.because}}
    span = next(span for span in found.history.spans if span.version is terms.version)
    rules = {
        kind: _rule_span_data(rule_span, found, terms.version)
        for kind, version in terms.rule_versions
        for rule_span in found.history.rule_spans(terms.version)[kind]
        if rule_span.version is version
    }
    row = found.versions[terms.version.number]
    in_force = {
        "contract_version": terms.version.number,
        "effective_from": write_instant(span.since),
        "until": _optional(span.until),
        "approved_by": row.approved_by,
        "recorded_at": _optional(row.recorded_at),
        "params": row.params,
        "rules": rules,
    }
    return {**asked, "in_force": in_force}


def _rule_span_data(span: Span[RuleVersion], found: TermsAt, version: EngineVersion) -> dict[str, Any]:
    rule = span.version
    row = next(row for row in found.versions[version.number].rule_versions if row.id == rule.id)
    return {
        "id": rule.id,
        "number": rule.number,
        "effective_from": write_instant(span.since),
        "until": _optional(span.until),
        "hash": rule.rules.hash,
        "lists": row.lists,
        "in_words": body_lines(rule.rules.body),
        "body": row.body,
    }


def timeline_data(contract: Contract, history: TermsHistory) -> dict[str, Any]:
    """Return what was, is and will be in force, as it was known."""
    return {
        "contract": contract.id,
        "as_of": write_instant(history.as_of),
        "versions": [_span_data(span, history) for span in history.spans],
    }


def _span_data(span: Span[EngineVersion], history: TermsHistory) -> dict[str, Any]:
    return {
        "contract_version": span.version.number,
        "effective_from": write_instant(span.since),
        "until": _optional(span.until),
        "termination": span.version.is_termination,
        "rules": {
            kind: [
                {
                    "id": rule.version.id,
                    "effective_from": write_instant(rule.since),
                    "until": _optional(rule.until),
                    "hash": rule.version.rules.hash,
                }
                for rule in rule_spans
            ]
            for kind, rule_spans in history.rule_spans(span.version).items()
        },
    }


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)
