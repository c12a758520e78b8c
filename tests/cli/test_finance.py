"""The commands that finance uses: a statement, the journal, and a partner's own file beside ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.billing.operations.bill_at_once import bill_at_once
from app.cli import group
from app.conversions.operations.receive_conversions import receive_conversions
from app.core.clock import frozen_at
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from app.store.session import engine_for
from tests.billing.statements import HOSTILE
from tests.builders.agreements import agreed, order, percent, rules, shop


def test_the_command_compares_a_file(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalogue: Catalogue
) -> None:
    """The command, from the CSV to the exit status, with ids to be afraid of."""
    monkeypatch.setenv("DATABASE_URL", fresh_database)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(group, list(arguments))

    assert run("migrate").exit_code == 0

    engine = engine_for(fresh_database)
    on_day = Runtime(engine, ReferenceMatcher(), catalogue, frozen_at(datetime(1997, 8, 5, tzinfo=UTC)))
    with on_day.work("tester") as ctx:
        shop(ctx, "acme")
        agreed(ctx, "acme", "1997-01-01", rules=rules(percent("2.5")))
        receive_conversions(ctx, [order(one, "1997-07-02T12:00:00Z", value) for one, (value, _) in HOSTILE.items()])
        bill_at_once(ctx, contract="acme", period="1997-07", poster="fay")
    engine.dispose()

    mine = run("statement", "acme", "1997-07", "--format", "csv").stdout_bytes
    assert mine.count(b"\r\n") == 10
    file = tmp_path / "theirs.csv"
    quoted = ['"{}",{}'.format(one.replace('"', '""'), amount) for one, (_, amount) in HOSTILE.items()]
    file.write_text("\n".join(["conversion,amount", *quoted]))
    same = run("reconcile", "acme", "1997-07", str(file))
    assert (same.exit_code, same.stdout) == (
        0,
        "9 equal: 0.00 USD\nTheirs 11.25, ours 11.25: a difference of 0.00 USD.\n",
    )

    file.write_text("\n".join(["conversion,amount", *quoted[1:], "stranger,1.00"]))
    other = run("reconcile", "acme", "1997-07", str(file))
    assert other.exit_code == 1
    assert "only theirs: stranger, theirs 1.00, ours nothing: no conversion of the program has this id" in other.stdout
    assert "only ours: =HYPERLINK" in other.stdout
    data = json.loads(run("reconcile", "acme", "1997-07", str(file), "--json").stdout)
    assert (data["difference"], data["counts"]["only_ours"]) == ("0.75", 1)

    file.write_text("conversion;amount\no1;8,00")
    refused = run("reconcile", "acme", "1997-07", str(file))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "commas" in refused.stderr
    assert run("reconcile", "acme", "1997-07", str(tmp_path / "none.csv")).exit_code == 2
    assert run("reconcile", "acme", "1997-06", str(file)).exit_code == 2

    page = tmp_path / "page.html"
    assert run("statement", "acme", "1997-07", "--format", "html", "--output", str(page)).exit_code == 0
    assert page.read_text().startswith("<!doctype html>")
    shown = json.loads(run("statement", "acme", "1997-07", "--json").stdout)
    assert (shown["total"], len(shown["lines"])) == ("11.25", 9)
    assert "To pay: 11.25 USD" in run("statement", "acme", "1997-07").stdout
    assert run("statement", "acme", "1997-07", "--format", "parquet").exit_code == 2
    assert run("journal", "--program", "shop").stdout.count(" * ") == 9
    assert run("journal", "--program", "shop", "--format", "csv").stdout_bytes.count(b"\r\n") == 19
    assert len(run("journal", "--program", "shop", "--json").stdout.splitlines()) == 9
    assert run("journal", "--program", "none").exit_code == 2

    party = {"name": "A & B", "country": "US", "tax_id": "US1"}
    given = {"program": party, "partner": party, "tax": {"category": "Z"}, "payment_terms": "30 days"}
    invoicing, xml = tmp_path / "invoicing.json", tmp_path / "invoice.xml"
    invoicing.write_text(json.dumps(given))
    assert run("invoice", "acme", "1997-07", "--invoicing", str(invoicing), "--output", str(xml)).exit_code == 0
    assert b">389<" in xml.read_bytes()
    assert b">11.25<" in xml.read_bytes()
    of_posting = run("invoice", "acme", "1997-07", "--invoicing", str(invoicing), "--posting", "1")
    assert ">acme/1997-07/1<" in of_posting.stdout
    assert run("invoice", "acme", "1997-07", "--invoicing", str(invoicing), "--posting", "2").exit_code == 2
    invoicing.write_text("{}")
    assert "payment_terms is missing" in run("invoice", "acme", "1997-07", "--invoicing", str(invoicing)).stderr
