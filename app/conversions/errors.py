"""Refusals of the conversions room."""

from app.core.errors import AppError


class ConversionRefused(AppError):
    code = "conversion_refused"
    kind = "invalid"


class ConversionDiffers(AppError):
    code = "conversion_differs"
    kind = "conflict"


class ConversionNotFound(AppError):
    code = "conversion_not_found"
    kind = "not_found"


class ProgramWithoutContract(AppError):
    code = "program_without_contract"
    kind = "conflict"


class CorrectionRefused(AppError):
    code = "correction_refused"
    kind = "invalid"


class ConversionLocked(AppError):
    code = "conversion_locked"
    kind = "conflict"


class DecisionNotFound(AppError):
    code = "decision_not_found"
    kind = "not_found"


class DecisionNotReproduced(AppError):
    code = "decision_not_reproduced"
    kind = "fault"


class ConversionsLost(AppError):
    code = "conversions_lost"
    kind = "fault"


class ReversalRefused(AppError):
    code = "reversal_refused"
    kind = "invalid"


class ReversalDiffers(AppError):
    code = "reversal_differs"
    kind = "conflict"


class ReversalExceeds(AppError):
    code = "reversal_exceeds"
    kind = "conflict"


class ReversalCurrencyDiffers(AppError):
    code = "reversal_currency_differs"
    kind = "conflict"


class ReversalNeedsAmount(AppError):
    code = "reversal_needs_amount"
    kind = "conflict"
