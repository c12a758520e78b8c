"""The tables. They live together because relationships cross rooms; importing this registers all of them."""

from app.store.models.access import ApiKey, ApiKeySecret, InstallationSecret
from app.store.models.audit import AuditEvent, AuditHead
from app.store.models.billing import (
    AccountingClosing,
    AccrualLine,
    BillingRun,
    BillingRunProgress,
    Posting,
    ProposedLine,
    ProposedStatement,
    Statement,
    StatementLine,
)
from app.store.models.contracts import (
    Approval,
    ApprovalPolicy,
    Contract,
    ContractVersion,
    RuleVersion,
    SavedDraft,
)
from app.store.models.conversions import Conversion, Correction, Decision, Reversal, Touch, UnsettledConversion
from app.store.models.deliveries import Delivery, DeliveryAdjustment, UnsettledDay
from app.store.models.idempotency import IdempotencyKey
from app.store.models.jobs import JobReport
from app.store.models.lists import ListVersion, NamedList
from app.store.models.partners import AttributionModel, Partner, Program
from app.store.models.rates import ExchangeRate

__all__ = [
    "AccountingClosing",
    "AccrualLine",
    "ApiKey",
    "ApiKeySecret",
    "Approval",
    "ApprovalPolicy",
    "AttributionModel",
    "AuditEvent",
    "AuditHead",
    "BillingRun",
    "BillingRunProgress",
    "Contract",
    "ContractVersion",
    "Conversion",
    "Correction",
    "Decision",
    "Delivery",
    "DeliveryAdjustment",
    "ExchangeRate",
    "IdempotencyKey",
    "InstallationSecret",
    "JobReport",
    "ListVersion",
    "NamedList",
    "Partner",
    "Posting",
    "Program",
    "ProposedLine",
    "ProposedStatement",
    "Reversal",
    "RuleVersion",
    "SavedDraft",
    "Statement",
    "StatementLine",
    "Touch",
    "UnsettledConversion",
    "UnsettledDay",
]
