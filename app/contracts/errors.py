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
