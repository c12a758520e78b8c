"""Refusals of the contracts room."""

from app.core.as_of import InstantRefused as InstantRefused
from app.core.errors import AppError


class ContractExists(AppError):
    code = "contract_exists"
    kind = "conflict"


class ContractNotFound(AppError):
    code = "contract_not_found"
    kind = "not_found"


class ContractRefused(AppError):
    code = "contract_refused"
    kind = "invalid"


class VersionNotFound(AppError):
    code = "version_not_found"
    kind = "not_found"


class VersionRefused(AppError):
    code = "version_refused"
    kind = "invalid"


class WrongState(AppError):
    code = "wrong_state"
    kind = "conflict"


class SelfApproval(AppError):
    code = "self_approval"
    kind = "forbidden"


class BackdatingUndeclared(AppError):
    code = "backdating_undeclared"
    kind = "conflict"


class OutsideContractVersion(AppError):
    code = "outside_contract_version"
    kind = "invalid"


class RulesFlawed(AppError):
    """Rules that can be read, of which is proved that they cannot be meant so."""

    code = "rules_flawed"
    kind = "conflict"


class BaseChanged(AppError):
    code = "base_changed"
    kind = "conflict"


class PackRefused(AppError):
    code = "pack_refused"
    kind = "invalid"


class ApprovedAlready(AppError):
    """Several people have to approve; the same one twice is not several."""

    code = "approved_already"
    kind = "conflict"


class ReasonMissing(AppError):
    code = "reason_missing"
    kind = "invalid"


class NothingToRenew(AppError):
    code = "nothing_to_renew"
    kind = "conflict"


class NothingToReinstate(AppError):
    code = "nothing_to_reinstate"
    kind = "conflict"


class RetirementRefused(AppError):
    """Retiring it would leave a silent gap, or would not bring back what it replaced."""

    code = "retirement_refused"
    kind = "conflict"


class PartOfBundle(AppError):
    """A version that belongs to another one and is changed with that."""

    code = "part_of_bundle"
    kind = "conflict"


class PolicyRefused(AppError):
    code = "policy_refused"
    kind = "invalid"


class Overtaken(AppError):
    """Somebody else's decision was recorded while this one was on its way."""

    code = "overtaken"
    kind = "conflict"
