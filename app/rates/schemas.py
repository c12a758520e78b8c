"""What the rates room reads and shows."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.web.as_of import PageAsOf
from app.web.fields import DecimalString, InstantField, LocalDate, Reason, Shaped, Text, Whole
from app.web.schema import Strict


class CurrencyCode(Shaped):
    """A currency. Which there are is the operation's to say."""

    expected = "a currency of ISO 4217, three capital letters"
    example = "EUR"
    described_as = {"pattern": "^[A-Z]{3}$"}

    def read(self, text: str) -> str | None:
        return text if len(text) == 3 and text.isascii() and text.isalpha() and text.isupper() else None


def _currency(description: str, example: str, **more: Any) -> CurrencyCode:
    return CurrencyCode(metadata={"description": description, "example": example}, **more)


RATE = "What one unit of `from` is worth in `to`."
SAID_BY = {"description": "Who published it.", "example": "ECB"}
DAY = {"description": "The day it is of, as it was published.", "example": "1999-03-03"}


class NewExchangeRate(Strict):
    """A rate of one day to be recorded."""

    base = _currency("What is converted.", "EUR", required=True, data_key="from")
    quoted = _currency("What it becomes.", "USD", required=True, data_key="to")
    day = LocalDate(required=True, metadata=DAY)
    rate = DecimalString(required=True, metadata={"description": RATE, "example": "1.0883"})
    said_by = Text(required=True, data_key="source", metadata=SAID_BY)
    reason = Reason(metadata={"description": "Why it is corrected; needed where another rate is recorded already."})


class ExchangeRateShown(Strict):
    """A rate of one day."""

    base = _currency("What is converted.", "EUR", data_key="from")
    quoted = _currency("What it becomes.", "USD", data_key="to")
    day = LocalDate(metadata=DAY)
    rate = DecimalString(metadata={"description": RATE, "example": "1.0883"})
    said_by = Text(data_key="source", metadata=SAID_BY)
    number = Whole(1, 999_999_999, metadata={"description": "1, or more where it was corrected.", "example": 1})
    reason = fields.String(allow_none=True, metadata={"description": "Why it was corrected."})
    recorded_by = Text(metadata={"example": "finn"})
    recorded_at = InstantField()


class RatesQuery(PageAsOf):
    """Which rates are asked for."""

    base = _currency("Only from this currency.", "EUR", load_default=None, data_key="from")
    quoted = _currency("Only to this currency.", "USD", load_default=None, data_key="to")
