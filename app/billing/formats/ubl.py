"""A statement as an electronic invoice: UBL 2.1 by EN 16931. What is paid to a partner is billed by us in its name.

The partner of a payable contract is the seller, and the invoice a self-billed one (389), or a self-billed credit note (261)
where it comes to less than nothing. Under a receivable contract the program is the seller (380, 381). A line is what a
rule pays; the amounts are net, and tax is added.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree

from app.billing.document import Document
from app.billing.errors import InvoiceRefused
from app.billing.invoicing import Invoicing, Party
from app.core.currency import minor_digits
from app.core.instants import zone
from app.core.money import canonical, minus, percent_of, plus, total
from app.core.period import parse_month
from app.core.rounding import round_line, shown

_OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
CAC, CBC = f"{_OASIS}CommonAggregateComponents-2", f"{_OASIS}CommonBasicComponents-2"
SPECIFICATION = "urn:cen.eu:en16931:2017"
CODES = {("payable", False): "389", ("payable", True): "261", ("receivable", False): "380", ("receivable", True): "381"}
# What XML 1.0 cannot carry, however it is escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Names:
    """What an invoice and a credit note call the same."""

    root: str
    code: str
    line: str
    quantity: str


INVOICE = _Names("Invoice", "InvoiceTypeCode", "InvoiceLine", "InvoicedQuantity")
CREDIT_NOTE = _Names("CreditNote", "CreditNoteTypeCode", "CreditNoteLine", "CreditedQuantity")


def statement_invoice(document: Document, given: Invoicing, number: str) -> bytes:
    """Return a statement as an invoice, or a credit note, with a number."""
    if (minor_digits(document.currency) or 0) > 2:
        raise InvoiceRefused(f"EN 16931 has two digits after the point at most; {document.currency} has more.")
    if document.posted_at is None:
        raise InvoiceRefused(f"Nothing was posted to {number}; there is nothing to invoice.")
    is_credit = document.total < 0
    names = CREDIT_NOTE if is_credit else INVOICE
    root = ElementTree.Element(f"{{{_OASIS}{names.root}-2}}{names.root}")
    _head(root, document, given, number, names.code, CODES[document.direction, is_credit])
    seller, buyer = given.partner, given.program
    if document.direction == "receivable":
        seller, buyer = buyer, seller
    for role, party in (("AccountingSupplierParty", seller), ("AccountingCustomerParty", buyer)):
        _party(_group(root, role), party)
    _text(_group(root, "PaymentTerms"), "Note", given.payment_terms)
    _totals(root, document, given, -1 if is_credit else 1)
    for place, (rule, amount) in enumerate(_by_rule(document), start=1):
        signed = minus(Decimal(0), amount) if is_credit else amount
        _line(_group(root, names.line), place, rule, signed, document.currency, given, names.quantity)
    for prefix, space in (("cac", CAC), ("cbc", CBC), ("", f"{_OASIS}{names.root}-2")):
        ElementTree.register_namespace(prefix, space)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _head(
    root: ElementTree.Element, document: Document, given: Invoicing, number: str, code_name: str, code: str
) -> None:
    first = parse_month(document.period)
    assert first is not None, document.period
    assert document.posted_at is not None
    issued_on = given.issued_on or document.posted_at.astimezone(zone(document.timezone)).date()
    _text(root, "CustomizationID", SPECIFICATION)
    _text(root, "ID", number)
    _text(root, "IssueDate", issued_on.isoformat())
    _text(root, code_name, code)
    _text(root, "Note", f"Statement {document.statement}")
    _text(root, "DocumentCurrencyCode", document.currency)
    _text(root, "BuyerReference", given.buyer_reference)
    period = _group(root, "InvoicePeriod")
    _text(period, "StartDate", first.isoformat())
    _text(period, "EndDate", f"{document.period}-{monthrange(first.year, first.month)[1]}")


def _party(role: ElementTree.Element, party: Party) -> None:
    of = _group(role, "Party")
    _text(_group(of, "PartyName"), "Name", party.name)
    address = _group(of, "PostalAddress")
    _text(address, "StreetName", party.street)
    _text(address, "CityName", party.city)
    _text(address, "PostalZone", party.postal_code)
    _text(_group(address, "Country"), "IdentificationCode", party.country)
    if party.tax_id is not None:
        scheme = _group(of, "PartyTaxScheme")
        _text(scheme, "CompanyID", party.tax_id)
        _text(_group(scheme, "TaxScheme"), "ID", "VAT")
    legal = _group(of, "PartyLegalEntity")
    _text(legal, "RegistrationName", party.name)
    _text(legal, "CompanyID", party.legal_id)


def _totals(root: ElementTree.Element, document: Document, given: Invoicing, sign: int) -> None:
    net = Decimal(sign) * document.total
    # Tax is rounded once, on the sum; half away from zero, as EN 16931 has it.
    tax = round_line(percent_of(given.rate, net), document.currency)
    gross = plus(net, tax)
    of_tax = _group(root, "TaxTotal")
    _money(of_tax, "TaxAmount", tax, document.currency)
    part = _group(of_tax, "TaxSubtotal")
    _money(part, "TaxableAmount", net, document.currency)
    _money(part, "TaxAmount", tax, document.currency)
    _category(_group(part, "TaxCategory"), given, given.reason)
    sums = _group(root, "LegalMonetaryTotal")
    for name, amount in (
        ("LineExtensionAmount", net),
        ("TaxExclusiveAmount", net),
        ("TaxInclusiveAmount", gross),
        ("PayableAmount", gross),
    ):
        _money(sums, name, amount, document.currency)


def _by_rule(document: Document) -> Iterator[tuple[str, Decimal]]:
    for rule, lines in document.by_rule.items():
        yield rule, total(line.amount for line in lines)


def _line(
    line: ElementTree.Element, place: int, rule: str, amount: Decimal, currency: str, given: Invoicing, quantity: str
) -> None:
    """A price is never below zero: what takes back has the quantity -1."""
    _text(line, "ID", str(place))
    _text(line, quantity, "-1" if amount < 0 else "1").set("unitCode", "C62")
    _money(line, "LineExtensionAmount", amount, currency)
    item = _group(line, "Item")
    _text(item, "Name", rule)
    _category(_group(item, "ClassifiedTaxCategory"), given, None)
    _money(_group(line, "Price"), "PriceAmount", abs(amount), currency)


def _category(category: ElementTree.Element, given: Invoicing, reason: str | None) -> None:
    _text(category, "ID", given.category)
    _text(category, "Percent", canonical(given.rate))
    _text(category, "TaxExemptionReason", reason)
    _text(_group(category, "TaxScheme"), "ID", "VAT")


def _group(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{CAC}}}{name}")


def _text(parent: ElementTree.Element, name: str, text: str | None) -> ElementTree.Element:
    """Add a text; nothing where there is none."""
    if text is None:
        return ElementTree.Element(name)
    added = ElementTree.SubElement(parent, f"{{{CBC}}}{name}")
    added.text = _NO_XML.sub("\ufffd", text)
    return added


def _money(parent: ElementTree.Element, name: str, amount: Decimal, currency: str) -> None:
    _text(parent, name, shown(amount, currency)).set("currencyID", currency)
