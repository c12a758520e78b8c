"""Contracts and terms as data for people and programs: what API and commands show. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.analysis.findings import blocking
from app.analysis.shown import difference_data
from app.contracts.content import rule_content_data
from app.contracts.known import KnownVersion
from app.contracts.operations.check_version import CheckedRules
from app.contracts.operations.get_terms import TermsAt
from app.contracts.operations.renewals_due import RenewalDue
from app.contracts.status import contract_status, rule_version_status, state_at, version_status
from app.core.instants import write_instant
from app.core.timeline import Span
from app.engine.gaps import Gap, gaps_in
from app.engine.settlement_words import settlement_words
from app.engine.terms import ContractVersion as EngineVersion
from app.engine.terms import NoTerms, RuleVersion
from app.rulelang.printer import body_lines
from app.rulelang.table import table_of
from app.store.models import ApprovalPolicy, Contract, ContractVersion
from app.store.models import RuleVersion as RuleRow


def contract_data(contract: Contract, status: str) -> dict[str, Any]:
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
        "status": status,
    }


def life_data(row: ContractVersion | RuleRow, as_of: datetime) -> dict[str, Any]:
    """Return what has become of a version by an instant: what happened to it later is not there yet."""

    def by_then(at: datetime | None, value: Any) -> Any:
        return value if at is not None and at <= as_of else None

    return {
        "state": state_at(row, as_of),
        "created_by": row.created_by,
        "created_at": write_instant(row.created_at),
        "submitted_by": by_then(row.submitted_at, row.submitted_by),
        "submitted_at": by_then(row.submitted_at, _optional(row.submitted_at)),
        "approvals_needed": by_then(row.submitted_at, row.approvals_needed),
        "approvals_because": by_then(row.submitted_at, row.approvals_because) or [],
        "approved_by": by_then(row.recorded_at, row.approved_by),
        "recorded_at": by_then(row.recorded_at, _optional(row.recorded_at)),
        "in_force_from": by_then(row.recorded_at, _optional(row.in_force_from)),
        "closed_by": by_then(row.closed_at, row.closed_by),
        "closed_at": by_then(row.closed_at, _optional(row.closed_at)),
        "closed_because": by_then(row.closed_at, row.closed_because),
        "retired_at": by_then(row.retired_at, _optional(row.retired_at)),
        "retired_by": by_then(row.retired_at, row.retired_by),
        "retired_because": by_then(row.retired_at, row.retired_because),
        "replaced_by": by_then(row.retired_at, row.replaced_by),
    }


def version_data(known: KnownVersion) -> dict[str, Any]:
    """Return a contract version with its rule versions, as it was known."""
    row, as_of = known.row, known.as_of
    content = known.content
    rules = {rule["id"]: rule for rule in content["rule_versions"]}
    later = [rule for rule in row.rule_versions if rule.id not in rules and _was_added(rule, known)]
    shown = [rule for rule in row.rule_versions if rule.id in rules]
    data = [
        *(_rule_data(rule, known, rules[rule.id]) for rule in shown),
        *(_gone(rules[name], row, as_of) for name in rules.keys() - {rule.id for rule in shown}),
        *(_rule_data(rule, known, known.saved.get(rule.id) or rule_content_data(rule)) for rule in later),
    ]
    return {
        "contract": row.contract_id,
        "number": row.number,
        **life_data(row, as_of),
        **{key: value for key, value in content.items() if key != "rule_versions"},
        "status": known.status,
        "bundle": known.bundle,
        "revision": known.revision,
        "editors": known.editors,
        "approvals": known.approvals.get(row.id, []),
        "rule_versions": sorted(data, key=lambda rule: (rule["kind"], rule["number"])),
    }


def _was_added(rule: RuleRow, known: KnownVersion) -> bool:
    """Tell whether a rule version was drafted by itself by then, rather than with its contract version."""
    is_by_itself = rule.id in known.saved or rule.created_at != known.row.created_at
    return is_by_itself and rule.created_at <= known.as_of


def rule_version_data(known: KnownVersion, rule: RuleRow) -> dict[str, Any]:
    """Return a rule version with its body, as it was known."""
    return _rule_data(rule, known, known.saved.get(rule.id) or rule_content_data(rule))


def _rule_data(rule: RuleRow, known: KnownVersion, content: dict[str, Any]) -> dict[str, Any]:
    pinned = rule.recorded_at is not None and rule.recorded_at <= known.as_of
    said = {key: value for key, value in content.items() if key not in ("id", "kind", "number", "lists")}
    return {
        "id": rule.id,
        "kind": rule.kind,
        "number": rule.number,
        "status": rule_version_status(rule, known.row, known.status, known.as_of, known.as_of),
        **life_data(rule, known.as_of),
        **said,
        "lists": rule.lists if pinned else content.get("lists", {}),
        "approvals": known.approvals.get(rule.id, []),
    }


def _gone(content: dict[str, Any], version: ContractVersion, as_of: datetime) -> dict[str, Any]:
    """Return a rule version that a later edit of its draft took away."""
    return {**life_data(version, as_of), "status": "draft", "lists": {}, **content, "approvals": []}


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
        "settlement": row.settlement,
        "settlement_in_words": settlement_words(row.settlement),
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


def timeline_data(found: TermsAt) -> dict[str, Any]:
    """Return what was, is and will be in force, as it was known: each span with who approved it when, and every time
    without terms."""
    history = found.history
    return {
        "contract": found.contract.id,
        "as_of": write_instant(history.as_of),
        "status": contract_status(list(found.versions.values()), history.as_of, history.as_of),
        "versions": [_span_data(span, found) for span in history.spans],
        "gaps": [_gap_data(gap) for gap in gaps_in(history)],
    }


def _gap_data(gap: Gap) -> dict[str, Any]:
    return {
        "from": write_instant(gap.since),
        "until": _optional(gap.until),
        "code": gap.why.code,
        "message": gap.why.because,
    }


def _span_data(span: Span[EngineVersion], found: TermsAt) -> dict[str, Any]:
    row, as_of = found.versions[span.version.number], found.history.as_of
    rules = {rule.id: rule for rule in row.rule_versions}
    return {
        "contract_version": row.number,
        "kind": row.kind,
        "status": version_status(row, found.versions.values(), as_of, as_of),
        "effective_from": write_instant(span.since),
        "until": _optional(span.until),
        "termination": span.version.is_termination,
        "stated_from": write_instant(row.effective_from),
        "reason": row.reason,
        "approved_by": row.approved_by,
        "recorded_at": _optional(row.recorded_at),
        "rules": {
            kind: [_rule_in_span(rule_span, rules[rule_span.version.id]) for rule_span in rule_spans]
            for kind, rule_spans in found.history.rule_spans(span.version).items()
        },
    }


def _rule_in_span(span: Span[RuleVersion], row: RuleRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "effective_from": write_instant(span.since),
        "until": _optional(span.until),
        "hash": row.hash,
        "approved_by": row.approved_by,
        "recorded_at": _optional(row.recorded_at),
    }


def renewal_data(due: RenewalDue) -> dict[str, Any]:
    """Return a term that has to be renewed, or ends."""
    agreed = due.version.renewal or {}
    return {
        "contract": due.contract.id,
        "contract_version": due.version.number,
        "ends_on": due.ends_on.isoformat(),
        "ends_at": write_instant(due.ends_at),
        "notice_on": due.notice_on.isoformat(),
        "mode": due.mode,
        "months": agreed.get("months"),
        "uplift": agreed.get("uplift"),
        "draft": due.draft,
    }


def policy_data(row: ApprovalPolicy) -> dict[str, Any]:
    """Return an approval policy."""
    return {
        "program": row.program_id,
        "number": row.number,
        "policy": row.policy,
        "created_by": row.created_by,
        "created_at": write_instant(row.created_at),
    }


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)
