"""What versions say, as data: what people write, what is kept of every edit, and what an approval binds. Pure."""

from __future__ import annotations

from typing import Any

from app.contracts.attributes import Attributes
from app.core.instants import write_instant
from app.store.models import ContractVersion, RuleVersion


def said_besides_rules(version: ContractVersion) -> Attributes:
    """Return what a version says besides its rules and parameters."""
    return Attributes(version.value, version.ends_on, version.renewal, version.settlement)


def content_data(version: ContractVersion) -> dict[str, Any]:
    """Return what a contract version says: what people write and approve."""
    return {
        "kind": version.kind,
        "effective_from": write_instant(version.effective_from),
        "backdated": version.backdated,
        "reason": version.reason,
        "termination": version.is_termination,
        "base": version.base_number,
        "content_hash": version.content_hash,
        **said_besides_rules(version).as_data(),
        "params": version.params,
        "rule_versions": [
            {"id": rule.id, "kind": rule.kind, "number": rule.number, **rule_content_data(rule)}
            for rule in version.rule_versions
            if rule.created_at == version.created_at
        ],
    }


def rule_content_data(rule: RuleVersion) -> dict[str, Any]:
    """Return what a rule version says."""
    return {
        "effective_from": write_instant(rule.effective_from),
        "backdated": rule.backdated,
        "reason": rule.reason,
        "hash": rule.hash,
        "body": rule.body,
        # What was taken over has its lists, and a draft may say which it means; others get theirs at the approval.
        "lists": rule.lists,
    }
