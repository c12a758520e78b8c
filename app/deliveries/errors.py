"""Refusals of the deliveries room."""

from app.core.errors import AppError


class DeliveryRefused(AppError):
    code = "delivery_refused"
    kind = "invalid"


class DeliveryDiffers(AppError):
    code = "delivery_differs"
    kind = "conflict"


class DeliveryNotFound(AppError):
    code = "delivery_not_found"
    kind = "not_found"


class AdjustmentRefused(AppError):
    code = "adjustment_refused"
    kind = "invalid"


class AdjustmentDiffers(AppError):
    code = "adjustment_differs"
    kind = "conflict"
