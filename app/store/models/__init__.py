"""The tables. They live together because relationships cross rooms; importing this registers all of them."""

from app.store.models.access import ApiKey
from app.store.models.audit import AuditEvent
from app.store.models.billing import BillingRun, Statement, StatementLine
from app.store.models.contracts import Contract, ContractVersion, RuleVersion
from app.store.models.conversions import Conversion, Decision, UnsettledConversion
from app.store.models.idempotency import IdempotencyKey
from app.store.models.lists import ListVersion, NamedList
from app.store.models.partners import Partner, Program

__all__ = [
    "ApiKey",
    "AuditEvent",
    "BillingRun",
    "Contract",
    "ContractVersion",
    "Conversion",
    "Decision",
    "IdempotencyKey",
    "ListVersion",
    "NamedList",
    "Partner",
    "Program",
    "RuleVersion",
    "Statement",
    "StatementLine",
    "UnsettledConversion",
]
