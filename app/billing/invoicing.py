"""What an invoice needs to know that Termline does not: names, addresses and tax of both parties. Read strictly, kept
nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.billing.errors import InvoiceRefused
from app.core.errors import Finding
from app.core.instants import parse_date
from app.core.money import ZERO, parse_decimal
from app.rulelang.diagnostics import described

# Standard rate, zero rate, exempt, reverse charge. The others ask for more than a statement has.
CATEGORIES = ("S", "Z", "E", "AE")
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_TOP = {
    "program": True,
    "partner": True,
    "tax": True,
    "payment_terms": True,
    "issued_on": False,
    "buyer_reference": False,
}
_PARTY = {
    "name": True,
    "country": True,
    "street": False,
    "city": False,
    "postal_code": False,
    "tax_id": False,
    "legal_id": False,
}
_TAX = {"category": True, "rate": False, "reason": False}


@dataclass(frozen=True, slots=True)
class Party:
    """A party as an invoice names it."""

    name: str
    country: str
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    tax_id: str | None = None
    legal_id: str | None = None


@dataclass(frozen=True, slots=True)
class Invoicing:
    """The parties of a contract, their tax, and how it is paid."""

    program: Party
    partner: Party
    category: str
    rate: Decimal
    reason: str | None
    payment_terms: str
    issued_on: date | None
    buyer_reference: str | None


def read_invoicing(data: Any) -> Invoicing:
    """Return what an invoicing file says, or refuse it with everything that is wrong with it."""
    findings: list[Finding] = []
    top = _object(data, "", _TOP, findings)
    parties = {side: _object(top.get(side, {}), f"/{side}", _PARTY, findings) for side in ("program", "partner")}
    tax = _object(top.get("tax", {}), "/tax", _TAX, findings)
    for side, party in parties.items():
        if isinstance(party.get("country"), str) and not _COUNTRY.fullmatch(party["country"]):
            findings.append(_finding(f"/{side}/country", "two letters of ISO 3166, such as DE", party["country"]))
    category, rate = tax.get("category"), parse_decimal(str(tax.get("rate", "0")))
    if "category" in tax and category not in CATEGORIES:
        findings.append(_finding("/tax/category", f"one of {', '.join(CATEGORIES)}", category))
    if rate is None or rate < 0 or (category == "S") != (rate > 0):
        findings.append(
            _finding("/tax/rate", 'a percentage such as "19" for S, and left out otherwise', tax.get("rate"))
        )
    if category in ("E", "AE") and not tax.get("reason"):
        findings.append(_finding("/tax/reason", "why no tax is due", tax.get("reason")))
    issued_on = top.get("issued_on")
    if isinstance(issued_on, str) and parse_date(issued_on) is None:
        findings.append(_finding("/issued_on", "a date YYYY-MM-DD", issued_on))
    if findings:
        raise InvoiceRefused(
            f"The invoicing file is refused. {findings[0].pointer or '/'}: {findings[0].message}.", findings
        )
    return Invoicing(
        program=Party(**parties["program"]),
        partner=Party(**parties["partner"]),
        category=str(category),
        rate=rate or ZERO,
        reason=tax.get("reason"),
        payment_terms=top["payment_terms"],
        issued_on=parse_date(issued_on) if issued_on else None,
        buyer_reference=top.get("buyer_reference"),
    )


def _object(data: Any, at: str, keys: Mapping[str, bool], findings: list[Finding]) -> dict[str, Any]:
    """Return the known keys of an object; all but objects in it are text."""
    if not isinstance(data, dict):
        findings.append(_finding(at, "an object", data))
        return {}
    findings += [Finding("unknown_field", f"unknown key {described(key)}", at) for key in data if key not in keys]
    findings += [
        Finding("missing_field", f"{key} is missing", at) for key, needed in keys.items() if needed and key not in data
    ]
    for key, value in data.items():
        if key in keys and key not in ("program", "partner", "tax") and not (isinstance(value, str) and value.strip()):
            findings.append(_finding(f"{at}/{key}", "a text", value))
    return {key: value for key, value in data.items() if key in keys}


def _finding(at: str, expected: str, found: Any) -> Finding:
    return Finding("wrong_value", f"expected {expected}; found {described(found)}", at)
