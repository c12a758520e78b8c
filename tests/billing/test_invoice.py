"""Invoices are what EN 16931 asks for, as a reader that is not ours judges it, and have the statement's money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from mockeinvoice.rules import run
from mockeinvoice.ubl import parse_tree

from app.billing.balance import StatementBalance
from app.billing.document import Document, DocumentLine
from app.billing.errors import InvoiceRefused
from app.billing.formats.ubl import CBC, statement_invoice
from app.billing.invoicing import read_invoicing

AWFUL = """<script> & "Söhne" 'GmbH' \u202e\ufffe ]]> <!-- """
ZERO = Decimal(0)
TAXES: tuple[dict[str, Any], ...] = (
    {"category": "S", "rate": "19"},
    {"category": "Z"},
    {"category": "E", "reason": "small <business>"},
    {"category": "AE", "reason": "Reverse charge"},
)
POSTED_AT = datetime(2027, 7, 31, 23, 30, tzinfo=UTC)  # 1 August in Berlin


def of_lines(*lines: tuple[str, str], direction: str = "payable", currency: str = "EUR") -> Document:
    def line(number: int, rule: str, amount: str) -> DocumentLine:
        return DocumentLine(
            id=f"line_{number}", posting="acme/2027-07/1", accounting_period="2027-07", posted_at=POSTED_AT,
            conversion=f"c{number}", order=None, delivered_on=None, event_at=POSTED_AT, local_date=date(2027, 7, 2),
            rule=rule, part="", formula="percent", amount_precise=Decimal(amount), amount=Decimal(amount), corrects=None,
            decision="dec_1", contract_version=1, rule_version="acme/1/payout/1",
        )  # fmt: skip

    return Document(
        contract="acme", program="shop", program_name=AWFUL, partner="acme", partner_name=AWFUL, direction=direction,
        period="2027-07", currency=currency, timezone="Europe/Berlin", balance=StatementBalance(ZERO, (), ()),
        lines=[line(number, *one) for number, one in enumerate(lines)],
    )  # fmt: skip


def party(tax_id: str, **more: str) -> dict[str, str]:
    return {"name": AWFUL, "country": "DE", "street": "a & b", "city": "X", "tax_id": tax_id, **more}


def invoicing(**changes: Any) -> dict[str, Any]:
    parties = {"program": party("DE123456789"), "partner": party("DE987654321", legal_id="HRB 7")}
    return {**parties, "tax": TAXES[0], "payment_terms": "30 days, < now & then", **changes}


def judged(xml: bytes) -> list[str]:
    """Return the published rules of the EN 16931 core that a document breaks, and what its reader cannot take."""
    document, reading, sent = parse_tree(xml)
    return [finding.code for finding in (*reading, *run(document, "en16931", sent))]


def texts(xml: bytes, name: str) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(xml).iter(f"{{{CBC}}}{name}")]


@pytest.mark.parametrize("tax", TAXES, ids=lambda tax: tax["category"])
@pytest.mark.parametrize("direction", ["payable", "receivable"])
@pytest.mark.parametrize(
    "lines",
    [
        [("base", "10.01"), ("bonus", "-2.50"), ("base", "0.99")],
        [("base", "-10.01"), ("bonus", "3.00")],
        [("nothing", "1.00"), ("nothing", "-1.00")],
        [("huge", "999999999.99")] * 3,
        [('=1+1<&"', "0.03")],
    ],
)
def test_an_invoice_keeps_all_rules(lines: list[tuple[str, str]], direction: str, tax: dict[str, Any]) -> None:
    xml = statement_invoice(of_lines(*lines, direction=direction), read_invoicing(invoicing(tax=tax)), "acme/2027-07")
    assert judged(xml) == []


def test_what_is_paid_is_self_billed_in_the_name_of_the_partner() -> None:
    document = of_lines(("base", "10.01"), ("bonus", "-2.50"), ("base", "0.99"))
    xml = statement_invoice(document, read_invoicing(invoicing()), "acme/2027-07")
    assert texts(xml, "InvoiceTypeCode") == ["389"]
    assert texts(xml, "CompanyID")[:2] == ["DE987654321", "HRB 7"]  # the seller comes first
    # 8.50 net, and 19 % of that are 1.615; a half goes away from zero.
    assert texts(xml, "TaxableAmount") == ["8.50"]
    assert texts(xml, "TaxAmount") == ["1.62", "1.62"]
    assert texts(xml, "PayableAmount") == ["10.12"]
    assert (texts(xml, "InvoicedQuantity"), texts(xml, "PriceAmount")) == (["1", "-1"], ["11.00", "2.50"])
    assert texts(xml, "IssueDate") == ["2027-08-01"]
    assert (texts(xml, "StartDate"), texts(xml, "EndDate")) == (["2027-07-01"], ["2027-07-31"])
    assert texts(xml, "RegistrationName") == [AWFUL.replace("\ufffe", "\ufffd")] * 2


def test_less_than_nothing_is_a_credit_note() -> None:
    document = of_lines(("base", "-10.01"), ("bonus", "3.00"))
    xml = statement_invoice(document, read_invoicing(invoicing(issued_on="2027-08-09")), "acme/2027-07/2")
    assert texts(xml, "CreditNoteTypeCode") == ["261"]
    assert texts(xml, "TaxableAmount") == ["7.01"]
    assert texts(xml, "PayableAmount") == ["8.34"]  # 7.01 and 1.33
    assert texts(xml, "IssueDate") == ["2027-08-09"]


def test_what_partners_pay_is_invoiced_by_the_program() -> None:
    document = of_lines(("base", "5.00"), direction="receivable")
    xml = statement_invoice(document, read_invoicing(invoicing()), "acme/2027-07")
    assert texts(xml, "InvoiceTypeCode") == ["380"]
    assert texts(xml, "CompanyID") == ["DE123456789", "DE987654321", "HRB 7"]


@pytest.mark.parametrize(
    ("damage", "by", "rule"),
    [
        (b'<cbc:PayableAmount currencyID="EUR">10.12', b'<cbc:PayableAmount currencyID="EUR">10.13', "BR-CO-16"),
        (b'<cbc:TaxableAmount currencyID="EUR">8.50', b'<cbc:TaxableAmount currencyID="EUR">10.51', "BR-S-08"),
        (b"<cbc:CompanyID>DE987654321</cbc:CompanyID>", b"", "BR-S-02"),
        (b">389<", b">999<", "BR-CL-01"),
        (b"<cbc:IdentificationCode>DE<", b"<cbc:IdentificationCode>QQ<", "BR-CL-14"),
    ],
)
def test_the_judge_finds_what_is_wrong(damage: bytes, by: bytes, rule: str) -> None:
    """So that its silence above says something."""
    document = of_lines(("base", "10.01"), ("bonus", "-2.50"), ("base", "0.99"))
    xml = statement_invoice(document, read_invoicing(invoicing()), "acme/2027-07")
    assert damage in xml
    assert rule in judged(xml.replace(damage, by, 1))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"payment_terms": " "}, "/payment_terms"),
        ({"payment_terms": 7}, "/payment_terms"),
        ({"more": "x"}, ""),
        ({"tax": {"category": "O"}}, "/tax/category"),
        ({"tax": {"category": "S"}}, "/tax/rate"),
        ({"tax": {"category": "S", "rate": "1e1"}}, "/tax/rate"),
        ({"tax": {"category": "Z", "rate": "19"}}, "/tax/rate"),
        ({"tax": {"category": "AE"}}, "/tax/reason"),
        ({"partner": {"name": "x"}}, "/partner"),
        ({"partner": party("DE1", country="de")}, "/partner/country"),
        ({"program": None}, "/program"),
        ({"issued_on": "1.8.2027"}, "/issued_on"),
    ],
)
def test_an_invoicing_file_is_read_strictly(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvoiceRefused) as refused:
        read_invoicing(invoicing(**changes))
    assert pointer in [finding.pointer for finding in refused.value.findings]


@pytest.mark.parametrize("data", [None, [], "x", {}, {"tax": []}])
def test_what_is_no_invoicing_file_is_refused(data: Any) -> None:
    with pytest.raises(InvoiceRefused):
        read_invoicing(data)


def test_what_cannot_be_invoiced_is_refused() -> None:
    given = read_invoicing(invoicing())
    with pytest.raises(InvoiceRefused, match="KWD"):
        statement_invoice(of_lines(("base", "1.000"), currency="KWD"), given, "acme/2027-07")
    with pytest.raises(InvoiceRefused, match="nothing to invoice"):
        statement_invoice(replace(of_lines(), lines=[]), given, "acme/2027-07")


def test_a_currency_without_minor_digits_keeps_the_rules() -> None:
    xml = statement_invoice(of_lines(("base", "101"), currency="JPY"), read_invoicing(invoicing()), "acme/2027-07")
    assert (judged(xml), texts(xml, "PayableAmount")) == ([], ["120"])
