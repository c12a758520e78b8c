"""The journal: it balances, it is what statements and accruals say, and Beancount reads it and adds it up alike."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from beancount import loader
from beancount.core.data import Open, Transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app.billing.formats.beancount import account_read, component, component_read, journal_beancount
from app.billing.formats.csv_text import as_sent
from app.billing.formats.journal_csv import journal_csv
from app.billing.journal import Entry, entry_data, trial_balance
from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.get_journal import get_journal
from app.contracts.operations.create_contract import create_contract
from app.conversions.operations.receive_conversions import receive_conversions
from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.rulelang.facts import Catalogue
from app.runtime import Context, Runtime
from tests.billing.statements import HOSTILE
from tests.builders.agreements import agreed, order, percent, rules, shop
from tests.web.billing import billed
from tests.web.bodies import conversion, set_up
from tests.web.client import ApiClient

CONTRACTS = ("acme", "b-1.x_y", "Zed")
HELD = {"hold_days": 30}


@dataclass(frozen=True)
class Books:
    """A journal, and what the database has by other ways: sums by contract of lines, and of accruals."""

    entries: list[Entry]
    lines: dict[str, Decimal]
    accruals: dict[str, Decimal]


def _story(ctx_on: dict[int, Context], random: Random) -> None:
    """Three contracts, one that is paid to us and one that holds for 30 days; orders by chance; billed, amended, billed."""
    june, july, september = (ctx_on[month] for month in (6, 8, 10))
    shop(june, "acme", "b-1.x_y")
    create_partner(june, id="Zed", name='Zed "=1+1"')
    create_contract(june, id="Zed", program="shop", partner="Zed", direction="receivable")
    for contract in CONTRACTS:
        agreed(
            june,
            contract,
            "1997-01-01",
            rules=rules(percent("7.5")),
            **({"settlement": HELD} if contract != "acme" else {}),
        )
    ids = [*HOSTILE, *(f"o{number}" for number in range(20))]
    receive_conversions(
        july,
        [
            order(
                one,
                f"1997-07-{random.randint(1, 31):02}T12:00:00Z",
                f"{random.randint(1, 99_999) / 100:.2f}",
                random.choice(CONTRACTS),
            )
            for one in ids
        ],
    )
    bill_at_once(july, program="shop", period="1997-07", poster="fay")
    agreed(september, "acme", "1997-07-10", rules=rules(percent(random.choice(("3", "11")))))
    bill_at_once(september, program="shop", period="1997-07", poster="fay")


@pytest.fixture(scope="module", params=[1, 2])
def books(request: pytest.FixtureRequest, database: Engine, catalogue: Catalogue) -> Books:
    with database.connect() as connection, connection.begin() as transaction:

        def on(month: int) -> Runtime:
            clock = frozen_at(datetime(1997, month, 3, tzinfo=UTC))
            return Runtime(connection, ReferenceMatcher(), catalogue, clock)

        with on(6).work("june") as june, on(8).work("july") as july, on(10).work("september") as september:
            _story({6: june, 8: july, 10: september}, Random(request.param))
        with on(11).work("tester") as ctx:
            entries = list(get_journal(ctx, program="shop"))
            sums = [
                {
                    row[0]: row[1]
                    for row in ctx.session.execute(
                        text(
                            f"SELECT s.contract_id, sum(l.amount) FROM {table} l JOIN statements s ON s.id = l.statement_id GROUP BY 1"
                        )
                    )
                }
                for table in ("statement_lines", "accrual_lines")
            ]
        transaction.rollback()
    return Books(entries, *sums)


def test_every_entry_balances(books: Books) -> None:
    assert {entry.kind for entry in books.entries} >= {"payable", "correction", "accrual"}
    for entry in books.entries:
        debits, credits = (sum(getattr(leg, side) for leg in entry.legs) for side in ("debit", "credit"))
        assert (len(entry.legs), debits) == (2, credits), entry
        assert debits > 0


def test_the_trial_balance_is_what_statements_and_accruals_say(books: Books) -> None:
    balance = trial_balance(books.entries)
    expected: dict[tuple[str, str, str], Decimal] = {}
    for contract, (lines, accruals) in {
        c: (books.lines[c], books.accruals.get(c, Decimal(0))) for c in CONTRACTS
    }.items():
        if contract == "Zed":
            booked = {"assets:receivable": lines, "assets:accrued": accruals, "income:partners": -lines - accruals}
        else:
            booked = {
                "liabilities:payable": -lines,
                "liabilities:accrued": -accruals,
                "expenses:partners": lines + accruals,
            }
        expected |= {(account, contract, "USD"): amount for account, amount in booked.items()}
    assert {key: amount for key, amount in balance.items() if amount} == {
        key: amount for key, amount in expected.items() if amount
    }
    assert sum(balance.values()) == 0


def test_beancount_accepts_the_journal_and_adds_it_up_alike(books: Books) -> None:
    written = "\n".join(journal_beancount("shop", books.entries))
    read, errors, _ = loader.load_string(written)
    assert errors == []
    sums: dict[tuple[str, str, str], Decimal] = {}
    transactions = [each for each in read if isinstance(each, Transaction)]
    for transaction in transactions:
        for posting in transaction.postings:
            account, program, contract = account_read(posting.account)
            assert program == "shop"
            key = (account, contract, posting.units.currency)
            sums[key] = sums.get(key, Decimal(0)) + posting.units.number
            assert posting.meta["contract"] == contract
            assert posting.meta.keys() >= {
                "kind",
                "line",
                "contract-version",
                "rule-version",
                "rule",
                "decision",
                "service-period",
            }
    assert sums == trial_balance(books.entries)
    # Beancount sorts by date; each of ours is there, under the name it was sent with.
    ours = sorted((entry.line, entry.subject) for entry in books.entries)
    assert sorted((each.postings[0].meta["line"], each.postings[0].meta["subject"]) for each in transactions) == ours
    assert set(HOSTILE) <= {subject for _, subject in ours}
    assert {each.date.isoformat() for each in transactions} == {"1997-07-31"}
    assert len([each for each in read if isinstance(each, Open)]) == len(sums)


def test_beancount_finds_what_does_not_balance(books: Books) -> None:
    """So that its silence above says something."""
    lines = list(journal_beancount("shop", books.entries))
    at = next(number for number, line in enumerate(lines) if line.endswith(" USD") and line.startswith("  "))
    lines[at] = f"{lines[at].rsplit(' ', 2)[0]} 7777777.77 USD"
    assert loader.load_string("\n".join(lines))[1]


def test_a_journal_in_csv_is_the_same_journal(books: Books) -> None:
    rows = list(csv.DictReader(io.StringIO(journal_csv(books.entries), newline=""), strict=True))
    assert len(rows) == 2 * len(books.entries)
    sums: dict[tuple[str, str, str], Decimal] = {}
    for row in rows:
        key = (row["account"], row["contract"], row["currency"])
        sums[key] = sums.get(key, Decimal(0)) + Decimal(row["debit"]) - Decimal(row["credit"])
    assert sums == trial_balance(books.entries)
    assert set(HOSTILE) <= {as_sent(row["conversion"]) for row in rows}


IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", fullmatch=True)


@settings(max_examples=50)
@given(IDS, IDS)
def test_names_of_accounts_are_read_back_and_never_meet(one: str, other: str) -> None:
    assert component_read(component("C", one)) == one
    assert (component("C", one) == component("C", other)) == (one == other)


def test_an_empty_journal_is_one_that_beancount_reads() -> None:
    _, errors, _ = loader.load_string("\n".join(journal_beancount('a"b', [])))
    assert errors == []


def test_the_journal_comes_in_pages_and_as_of_then(client: ApiClient) -> None:
    set_up(client)
    assert client.get("/v1/journal").get_json() == {"items": []}
    for number in range(3):
        client.post("/v1/conversions", conversion(f"o{number}", "10.00"))
    billed(client, {"contract": "acme", "period": "1997-07"})
    address, seen = "/v1/journal?limit=2", []
    while address:
        answer = client.get(address)
        seen += answer.get_json()["items"]
        address = answer.headers.get("Link", "").removeprefix("<").partition(">")[0]
    assert [entry["conversion"] for entry in seen] == ["o0", "o1", "o2"]
    assert seen[0]["legs"] == [
        {"account": "expenses:partners", "debit": "0.60", "credit": "0.00"},
        {"account": "liabilities:payable", "debit": "0.00", "credit": "0.60"},
    ]
    for query, count in (
        ("program=cdnow", 3),
        ("contract=none", 0),
        ("accounting_period=1997-07", 3),
        ("accounting_period=1997-08", 0),
        ("as_of=1998-01-01T00:00:00Z", 0),
        ("after=WyJ4Il0", 3),
    ):
        assert len(client.get(f"/v1/journal?{query}").get_json()["items"]) == count, query
    assert client.as_("partner", "acme").get("/v1/journal").status_code == 403


def test_data_of_an_entry_has_its_place(books: Books) -> None:
    places = [entry_data(entry)["place"] for entry in books.entries]
    assert len(set(places)) == len(places)
