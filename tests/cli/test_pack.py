"""`termline pack`: what a pack says of itself, the draft it makes, its tests."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, pack_tests, shipped_pack
from app.adapters.yaml_files import parse_yaml
from app.cli import group
from app.contracts.operations.approve_version import approve_version
from app.contracts.operations.submit_version import submit_version
from app.contracts.repository import version_numbered
from app.conversions.operations.receive_conversions import receive_conversion
from app.conversions.repository import current_records
from app.core.resources import shipped
from app.engine.reference import ReferenceMatcher
from app.partners.operations.declare_facts import declare_facts
from app.rulelang.bindings import member_texts
from app.rulelang.packs import Filled, filled
from app.rulesets.operations.publish_list import publish_list
from app.runtime import Runtime
from app.store.migrate import migrate
from app.store.models import AuditEvent, ContractVersion
from app.store.session import engine_for
from tests.builders.agreements import order, shop

Termline = Callable[..., Result]
COUPON = (
    "--set=codes=SAVER10,SAVER15",
    "--set=last_day=2025-06-30",
    "--set=first_percent=8",
    "--set=first_max=15.00",
    "--set=later_percent=2",
    "--set=monthly_cap=500.00",
)
START = ("--from", "2025-01-01", "--backdated", "restate")


@pytest.fixture(scope="module")
def stage(fresh_database: str) -> Iterator[Runtime]:
    """A shop with contracts that have no terms yet, on the database that the command works on."""
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        migrate(connection)
    runtime = Runtime(engine, ReferenceMatcher(), shipped_catalogue())
    with runtime.work("ann") as ctx:
        shop(ctx, "acme", "globex", "initech", "cashback")
        shop(ctx, "publisher", program="channel")
        shop(ctx, "cinema", program="screens")
    yield runtime
    engine.dispose()


@pytest.fixture
def termline(fresh_database: str) -> Termline:
    """Run the command on the module's database."""

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(group, arguments, env={"DATABASE_URL": fresh_database, **environment})

    return run


def written(runtime: Runtime) -> tuple[int, int]:
    """Return how many contract versions and audit events there are."""
    with runtime.work("ann") as ctx:
        counts = [
            ctx.session.scalar(select(func.count()).select_from(table)) for table in (ContractVersion, AuditEvent)
        ]
    return counts[0] or 0, counts[1] or 0


def test_packs_are_listed_and_shown_without_a_database(termline: Termline) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    listed = termline("pack", "list", **nowhere)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == pack_names()
    for name in pack_names():
        shown = termline("pack", "show", name, **nowhere)
        assert shown.exit_code == 0, shown.stderr
        found = json.loads(termline("pack", "show", name, "--json", **nowhere).stdout)
        for parameter in found["parameters"]:
            assert re.search(rf"^│ {parameter} ", shown.stdout, re.MULTILINE)
        for lines in found["in_words"].values():
            assert all(f"  {line}\n" in shown.stdout for line in lines)


def test_what_a_pack_needs_beside_values_is_shown(termline: Termline) -> None:
    assert (
        "The program has to declare the fact impressions (integer)"
        in termline("pack", "show", "ctv_publisher_cpm").stdout
    )
    assert "The list gift_card_skus (text) has to be there" in termline("pack", "show", "loyalty_cashback").stdout


@pytest.mark.parametrize("name", pack_names())
def test_what_a_pack_is_filled_to_passes_the_check(termline: Termline, tmp_path: Path, name: str) -> None:
    """With the facts, parameters and lists it wants, as files: nothing is found in it, by the analysis neither."""
    pack = shipped_pack(name)
    found = filled(pack, pack.examples)
    assert isinstance(found, Filled)
    lists = {each.name: {"type": each.type, "members": member_texts(each)} for each in pack.lists.values()}
    files = {"params": found.params, "facts": pack.facts, "lists": lists}
    options = [f"--{word}={tmp_path / word}" for word, content in files.items() if content]
    for word, content in {**files, "rules": found.rules}.items():
        (tmp_path / word).write_text(json.dumps(content))
    done = termline("check", str(tmp_path / "rules"), *options, "--json")
    checked = json.loads(done.stdout)
    assert (done.exit_code, checked["ok"], checked["findings"]) == (0, True, [])


def test_a_pack_becomes_a_draft_that_is_approved_and_pays(termline: Termline, stage: Runtime) -> None:
    done = termline("pack", "use", "coupon_partner", "--contract", "acme", *START, *COUPON)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "Drafted version 1 of acme, from 2025-01-01T05:00:00Z, with the rules of the pack coupon_partner:"
    )
    assert "  first_order: pay 8 % of order_value, at most 15.00 when customer_order_number is 1" in lines
    assert lines[-1] == (
        "Submit it with POST /v1/contracts/acme/versions/1/submit; "
        "somebody else approves it with POST /v1/contracts/acme/versions/1/approve."
    )
    with stage.work("ann") as ctx:
        version = version_numbered(ctx.session, "acme", 1)
        assert (version.state, version.params) == (
            "draft",
            {
                "codes": ["SAVER10", "SAVER15"],
                "barred_codes": ["STAFF"],
                "last_day": "2025-06-30",
                "minimum_order": "10.00",
            },
        )
        (payout,) = (rule.body for rule in version.rule_versions if rule.kind == "payout")
        assert payout["otherwise"] == {"percent": "2", "of": "order_value"}
        submit_version(ctx, contract="acme", number=1)
        approve_version(ctx.acting_as("bob"), contract="acme", number=1)
        body = order("c1", "2025-02-01T12:00:00Z", "100.00", coupon_code="SAVER15", customer_id="u1")
        receive_conversion(ctx, body)
        ((_, _, decided),) = current_records(ctx.session, "shop", ["c1"])
    assert decided["amount"] == "8.00"  # 8 % of 100.00


def test_a_draft_remembers_which_pack_it_was_filled_from(termline: Termline, stage: Runtime) -> None:
    done = termline("pack", "use", "coupon_partner", "--contract", "globex", *START, *COUPON, "--json")
    found = json.loads(done.stdout)
    assert (found["pack"], found["dry_run"], found["number"], found["state"]) == ("coupon_partner", False, 1, "draft")
    assert found["values"]["later_percent"] == "2"
    with stage.work("ann") as ctx:
        event = ctx.session.scalar(
            select(AuditEvent).filter_by(action="contract_version.filled_from_pack", subject="globex/1")
        )
        assert event is not None
        assert event.after == {"pack": "coupon_partner", "values": found["values"]}


def test_a_dry_run_says_the_same_and_writes_nothing(termline: Termline, stage: Runtime) -> None:
    before = written(stage)
    done = termline("pack", "use", "coupon_partner", "--contract", "initech", *START, *COUPON, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Would draft version 1 of initech")
    assert done.stdout.endswith("Nothing was written.\n")
    assert written(stage) == before


def test_everything_wrong_is_said_at_once(termline: Termline, stage: Runtime) -> None:
    before = written(stage)
    wrong = ("--set", "cpn=22.50", "--set", "premium_cpm=dear", "--set", "monthly_budget=-1")
    done = termline("pack", "use", "ctv_publisher_cpm", "--contract", "cinema", *START, *wrong)
    assert (done.exit_code, done.stdout) == (2, "")
    for said in (
        "The pack ctv_publisher_cpm cannot be used: the pack ctv_publisher_cpm has no parameter 'cpn' (did you mean 'cpm'?)",
        "error missing_key at /cpm: cpm is needed: the price of a thousand impressions (for example 22.50)",
        "error value_not_of_type at /premium_cpm: ",
        "error out_of_range at /monthly_budget: monthly_budget is at least 0; found -1",
        "the program screens does not declare the fact 'impressions'",
        "declare it first: POST /v1/programs/screens/facts",
    ):
        assert said in done.stderr
    assert written(stage) == before


def test_what_a_pack_needs_has_to_be_there_first(termline: Termline, stage: Runtime) -> None:
    cpm = ("--set=cpm=22.50", "--set=premium_cpm=31", "--set=monthly_budget=100")
    cashback = (
        "--set=percent=5",
        "--set=boosted_percent=9",
        "--set=boosted_categories=toys",
        "--set=max_per_order=25",
        "--set=monthly_cap=100",
    )
    publisher = ("pack", "use", "ctv_publisher_cpm", "--contract", "publisher", *START, *cpm)
    club = ("pack", "use", "loyalty_cashback", "--contract", "cashback", *START, *cashback)
    for command, says in ((publisher, "POST /v1/programs/channel/facts"), (club, "there is no list 'gift_card_skus'")):
        done = termline(*command)
        assert (done.exit_code, done.stdout) == (2, "")
        assert says in done.stderr
    facts = json.loads(termline("pack", "show", "ctv_publisher_cpm", "--json").stdout)["facts"]
    with stage.work("ann") as ctx:
        declare_facts(ctx, program="channel", facts=facts)
        publish_list(ctx, id="gift_card_skus", type="text", members=["GIFT-9"])
    assert "otherwise: pay 22.50 per thousand of impressions" in termline(*publisher).stdout
    assert "sku is one of GIFT-9 (list gift_card_skus)" in termline(*club).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "coupon"), "There is no pack 'coupon' (did you mean 'coupon_partner'?). See `termline pack list`."),
        (("test", "coupon"), "There is no pack 'coupon'"),
        (("use", "../facts", "--contract", "acme", *START), "There is no pack '../facts'"),
        (("use", "coupon_partner", "--contract", "hooli", *START, *COUPON), "There is no contract 'hooli'"),
        (("use", "coupon_partner", "--contract", "acme", "--from", "soon", *COUPON), "a start is a date (YYYY-MM-DD"),
        (("use", "coupon_partner", "--contract", "acme", *START, "--set", "codes"), "--set codes has no value"),
        (("use", "coupon_partner", "--contract", "acme", *START, *COUPON, COUPON[0]), "--set codes stands twice"),
        (("use", "coupon_partner", "--contract", "acme", "--from", "2025-01-01", "--backdated", "so", *COUPON), "backdated is restate"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_done_says_so(
    termline: Termline, stage: Runtime, arguments: tuple[str, ...], says: str
) -> None:
    before = written(stage)
    done = termline("pack", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert written(stage) == before


def test_values_that_do_not_go_together_are_refused_by_the_draft(termline: Termline, stage: Runtime) -> None:
    tiers = (
        "--set=tier_1_up_to=500",
        "--set=tier_1_cpa=1",
        "--set=tier_2_cpa=2",
        "--set=tier_3_cpa=3",
        "--set=monthly_cap=9",
    )
    done = termline("pack", "use", "affiliate_cpa_tiers", "--contract", "acme", *START, *tiers)
    assert done.exit_code == 2
    assert "/rules/payout/otherwise/tiers/steps/1/up_to: steps rise: up_to 500 does not lie above 500" in done.stderr


def test_the_tests_of_a_pack_pass_or_show_what_differs(termline: Termline, monkeypatch: pytest.MonkeyPatch) -> None:
    done = termline("pack", "test", "ctv_publisher_cpm")
    cases = len(pack_tests("ctv_publisher_cpm").data["cases"])
    assert (done.exit_code, done.stdout) == (0, f"ok  ctv_publisher_cpm: {cases} cases\n")

    path = shipped("rules", "packs", "ctv_publisher_cpm", "tests.yaml")
    wrong = parse_yaml(path.read_text().replace('"277.76"', '"277.77"'), path)
    monkeypatch.setattr(sys.modules["app.cli.pack"], "pack_tests", lambda name: wrong)
    done = termline("pack", "test", "ctv_publisher_cpm")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"DIFFERS  ctv_publisher_cpm: {cases} cases, 1 differs",
        "    A day's impressions pay the price of a thousand, rounded once",
        '      decision case: amount expected "277.77", found "277.76"',
    ]
    lines = termline("pack", "test", "ctv_publisher_cpm", "--json").stdout.splitlines()
    assert [json.loads(line)["ok"] for line in lines] == [False] + [True] * (cases - 1)
