"""The tables. They live together because relationships cross rooms; importing this registers all of them."""

from app.store.models.access import ApiKey, ApiKeySecret, InstallationSecret
from app.store.models.audit import AuditEvent, AuditHead
from app.store.models.billing import BillingRun, Statement, StatementLine
from app.store.models.contracts import (
    Approval,
    ApprovalPolicy,
    Contract,
    ContractVersion,
    RuleVersion,
    SavedDraft,
)
from app.store.models.conversions import Conversion, Decision, Touch, UnsettledConversion
from app.store.models.idempotency import IdempotencyKey
from app.store.models.lists import ListVersion, NamedList
from app.store.models.partners import AttributionModel, Partner, Program

__all__ = [
    "ApiKey",
    "ApiKeySecret",
    "Approval",
    "ApprovalPolicy",
    "AttributionModel",
    "AuditEvent",
    "AuditHead",
    "BillingRun",
    "Contract",
    "ContractVersion",
    "Conversion",
    "Decision",
    "IdempotencyKey",
    "InstallationSecret",
    "ListVersion",
    "NamedList",
    "Partner",
    "Program",
    "RuleVersion",
    "SavedDraft",
    "Statement",
    "StatementLine",
    "Touch",
    "UnsettledConversion",
]
