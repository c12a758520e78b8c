"""Run one scenario: set the stage, let its steps happen in order, compare. Every step is an operation of the API."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from app.billing.accounts import account_balances
from app.billing.describe import balance_data, line_data
from app.billing.operations.bill_at_once import bill_at_once
from app.billing.operations.close_period import close_period
from app.billing.repository import balances, lines_after, totals
from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.reinstate_contract import reinstate_contract
from app.contracts.operations.retire_version import retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.repository import contract_named
from app.conversions.day_repository import day_records
from app.conversions.operations.correct_conversion import correct_conversion
from app.conversions.operations.receive_conversions import Receipt, receive_conversion, receive_conversions
from app.conversions.operations.reverse_conversion import reverse_conversion
from app.conversions.operations.settle_program import settle_program
from app.conversions.repository import current_records
from app.conversions.writing import Progress
from app.core.clock import frozen_at
from app.core.errors import AppError, Finding
from app.core.instants import parse_date, parse_instant, write_instant
from app.core.json_text import MalformedJson, parse_json
from app.core.money import parse_decimal
from app.core.rounding import shown
from app.deliveries.operations.adjust_deliveries import adjust_deliveries
from app.deliveries.operations.receive_deliveries import DeliveryReceipt, receive_deliveries, receive_delivery
from app.engine.quote import Quote, quote
from app.partners.operations.set_attribution_model import set_attribution_model
from app.rates.operations.record_rates import NewRate, record_rate
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.runtime import Context, Runtime
from app.scenarios.errors import ScenarioMalformed
from app.scenarios.lives import LIFE, lived, lives
from app.scenarios.outcome import Outcome, day_summary, decisions_summary, differences
from app.scenarios.setting import APPROVER, AUTHOR, agree, approve_all, create_agreement, create_stage
from app.scenarios.story import LOOKED, Step, Story, malformed


def run_scenario(runtime: Runtime, story: Story, progress: Progress | None = None, *, full: bool = True) -> Outcome:
    """Run a story on a database that knows nothing of it, and return what it came to.

    With `full`, the outcome holds every decision and line; without, only what `expect` names. Raises
    ScenarioMalformed when a step is refused: the story asks for something that cannot be.
    """
    return _Run(runtime, story, progress).run(full)


class _Run:
    def __init__(self, runtime: Runtime, story: Story, progress: Progress | None) -> None:
        self.runtime = runtime
        self.story = story
        self.progress = progress
        self.now: datetime = story.clock
        self.diff: list[str] = []
        self.quotes: dict[str, dict[str, Any]] = {}
        self.awaited: list[tuple[datetime, str, str, dict[str, Any]]] = []
        self.reversed = 0
        self.program: str | None = None if story.program is None else story.program["id"]

    def run(self, full: bool) -> Outcome:
        self.set_stage()
        for step in self.story.steps:
            if step.verb == "clock":
                self.turn_clock(step)
                continue
            self.do(step.pointer, partial(getattr(self, step.verb), given=step.given, at=step.pointer))
        return self.outcome(full)

    def do(self, pointer: str, what: Callable[[Context], object]) -> None:
        """Do one thing in its own unit of work, under the scenario's clock; name its line if it is refused."""
        runtime = replace(self.runtime, clock=frozen_at(self.now))
        try:
            with runtime.work(AUTHOR) as ctx:
                what(ctx)
        except ScenarioMalformed:
            raise
        except AppError as error:
            if error.kind == "fault":
                raise
            raise self.story.refuse(pointer, list(error.findings), error.message) from error

    def set_stage(self) -> None:
        story = self.story
        if story.program is not None:
            self.do("/program", partial(create_stage, program=story.program))
        for index, program in enumerate(story.programs):
            self.do(f"/programs/{index}", partial(create_stage, program=program))
        for name, given in story.lists.items():
            self.do(f"/lists/{name}", partial(publish_list, id=name, **given))
        for index, rate in enumerate(story.rates):
            self.do(f"/rates/{index}", partial(self.rate, given=rate, at=f"/rates/{index}"))
        partners: set[str] = set()
        for index, contract in enumerate(story.contracts):
            where = f"/contracts/{index}"
            if self.program is None:
                raise story.refuse(where, None, "a contract needs the scenario's program")
            self.do(where, partial(create_agreement, program=self.program, contract=contract, known_partners=partners))
            for number, version in enumerate(contract["versions"]):
                place = f"{where}/versions/{number}"
                recorded_at = parse_instant(version.get("recorded_at") or "")
                if recorded_at is not None and recorded_at > self.now:
                    self.awaited.append((recorded_at, place, contract["id"], version))
                else:
                    self.do(place, partial(agree, contract=contract["id"], version=version))

    def convert(self, ctx: Context, given: Any, at: str) -> None:
        receive_conversion(ctx, given, program=self.program)

    def convert_file(self, ctx: Context, given: Any, at: str) -> None:
        path = self.story.document.path.parent / str(given["path"])
        lines = _lines(path, self.story, at)
        bodies = [body for _, body in lines]
        receipts = receive_conversions(ctx, bodies, program=self.program, progress=self.progress)
        _refuse_lines(path, lines, receipts)

    def deliver(self, ctx: Context, given: Any, at: str) -> None:
        receive_delivery(ctx, given)

    def deliver_file(self, ctx: Context, given: Any, at: str) -> None:
        path = self.story.document.path.parent / str(given["path"])
        lines = _lines(path, self.story, at)
        receipts = receive_deliveries(ctx, [body for _, body in lines], progress=self.progress)
        _refuse_lines(path, lines, receipts)

    def adjust_delivery(self, ctx: Context, given: Any, at: str) -> None:
        adjust_deliveries(ctx, **given)

    def turn_clock(self, step: Step) -> None:
        """Let time go on to an instant; versions that are recorded on the way are approved at their instant."""
        instant = parse_instant(step.given)
        assert instant is not None  # read_story looked at it
        if instant < self.now:
            message = f"the clock goes forward only; it is {write_instant(self.now)} already"
            raise self.story.refuse(step.pointer, None, message)
        due = sorted((one for one in self.awaited if one[0] <= instant), key=lambda one: one[0])
        for recorded_at, where, contract, version in due:
            self.now = recorded_at
            self.do(where, partial(agree, contract=contract, version=version))
        self.awaited = [one for one in self.awaited if one not in due]
        self.now = instant

    def amend(self, ctx: Context, given: Any, at: str) -> None:
        agree(ctx, given["contract"], {k: v for k, v in given.items() if k != "contract"})

    def promote(self, ctx: Context, given: Any, at: str) -> None:
        promotion = draft_promotion(ctx, **{"backdated": "restate", **given})[0]
        approve_all(ctx, given["contract"], promotion.number)

    def renew(self, ctx: Context, given: Any, at: str) -> None:
        approve_all(ctx, given["contract"], draft_renewal(ctx, **{"backdated": "restate", **given}).number)

    def reinstate(self, ctx: Context, given: Any, at: str) -> None:
        approve_all(ctx, given["contract"], reinstate_contract(ctx, **{"backdated": "restate", **given}).number)

    def retire(self, ctx: Context, given: Any, at: str) -> None:
        actor = ctx.acting_as(APPROVER)
        retire_version(actor, contract=given["contract"], number=given["version"], reason=given["reason"])

    def policy(self, ctx: Context, given: Any, at: str) -> None:
        if self.program is None:
            raise self.story.refuse(at, None, "a policy needs the scenario's program")
        set_approval_policy(ctx.acting_as(APPROVER), program=self.program, **given)

    def publish_list(self, ctx: Context, given: Any, at: str) -> None:
        publish_list_version(ctx, list=given["id"], members=given["members"])

    def set_model(self, ctx: Context, given: Any, at: str) -> None:
        set_attribution_model(ctx, **{"program": self.program, "backdated": "restate", **given})

    def reverse(self, ctx: Context, given: Any, at: str) -> None:
        """Without a word on what came back, all that is left did."""
        body = {key: value for key, value in given.items() if key not in ("conversion", "program")}
        ways = {} if {"full", "amount", "items"} & set(body) else {"full": True}
        self.reversed += 1
        named = {"id": f"reversal-{self.reversed}", "reason": "RETURN"}
        program = given.get("program", self.program)
        reverse_conversion(ctx, {**named, **ways, **body}, program=program, conversion=given["conversion"])

    def correct(self, ctx: Context, given: Any, at: str) -> None:
        """Facts are corrected; or that is refused, with the code that the story names."""
        body = {"facts": given["facts"], "reason": given.get("reason", "CORRECTION")}
        program, refused = given.get("program", self.program), given.get("refused")
        try:
            correct_conversion(ctx, body, program=program, conversion=given["conversion"])
        except AppError as error:
            if error.code != refused:
                raise
        else:
            if refused is not None:
                raise self.story.refuse(at, None, f"expected {refused}, and it was not refused")

    def look(self, ctx: Context, given: Any, at: str) -> None:
        """Compare a conversion as it is now, or was then, with what the story says of it here."""
        program, contract = given.get("program", self.program), given.get("contract")
        found = lived(ctx, program, given["conversion"], contract, given.get("as_of"))
        named = {key: value for key, value in given.items() if key in LOOKED and key != "as_of"}
        name = given["conversion"] if contract is None else f"{given['conversion']}/{contract}"
        here = f"decision at {write_instant(self.now)}"
        self.diff += differences({name: named}, {} if found is None else {name: found}, here)

    def bill(self, ctx: Context, given: Any, at: str) -> None:
        """Open a run, compute it, and have it posted by another person. Orders are decided first, as a run decides them."""
        of = {key: given[key] for key in ("contract", "program") if key in given}
        program = of.get("program") or contract_named(ctx.session, of["contract"]).program_id
        settle_program(ctx, program, self.progress)
        bill_at_once(ctx, **of, period=str(given["period"]), poster=APPROVER)

    def close(self, ctx: Context, given: Any, at: str) -> None:
        """Close the books of the program up to a month."""
        close_period(ctx, program=given.get("program", self.program), period=str(given["period"]))

    def rate(self, ctx: Context, given: Any, at: str) -> None:
        day, amount = parse_date(given["day"]), parse_decimal(given["rate"])
        assert day is not None  # read_story looked at it,
        assert amount is not None  # and at this
        record_rate(ctx, NewRate(given["from"], given["to"], day, amount, given["source"], given.get("reason")))

    def quote(self, ctx: Context, given: Any, at: str) -> None:
        priced = quote(given)
        if not isinstance(priced, Quote):
            raise malformed(self.story.document, [finding.at(at) for finding in priced])
        self.quotes[given["id"]] = priced.as_dict()

    def outcome(self, full: bool) -> Outcome:
        story = self.story
        outcome = Outcome(story.name, str(story.document.path), self.now, quotes=self.quotes, diff=list(self.diff))
        if self.program is not None:
            with replace(self.runtime, clock=frozen_at(self.now)).work(AUTHOR) as ctx:
                named = list(story.expect["decisions"])
                wanted = None if full else [*named, *(name.rpartition("/")[0] for name in named)]
                records = []
                of_days = list(story.expect.get("deliveries", {}))
                for program in (self.program, *(other["id"] for other in story.programs)):
                    settle_program(ctx, program, self.progress)
                    records += current_records(ctx.session, program, wanted)
                    outcome.deliveries |= _days(ctx, program, of_days, full)
                outcome.decisions = decisions_summary(records, named)
                self.add_lives(ctx, outcome.decisions)
                outcome.statements = _statements(ctx, full or _names_lines(story))
                outcome.accounts = _accounts(ctx) if full or story.expect.get("accounts") else {}
                outcome.lives = lives(ctx, [contract["id"] for contract in story.contracts])
        for part, found in (
            ("decisions", outcome.decisions),
            ("deliveries", outcome.deliveries),
            ("statements", outcome.statements),
            ("accounts", outcome.accounts),
            ("quotes", outcome.quotes),
            *outcome.lives.items(),
        ):
            outcome.diff += differences(
                story.expect.get(part, {}), found, "deliveries" if part == "deliveries" else part[:-1]
            )
        return outcome

    def add_lives(self, ctx: Context, decisions: dict[str, dict[str, Any]]) -> None:
        """Add where in its life a conversion is, where the story asks for it."""
        programs = [self.program, *(other["id"] for other in self.story.programs)]
        for name, wanted in self.story.expect["decisions"].items():
            if not LIFE & wanted.keys() or name not in decisions:
                continue
            whole, _, contract = name.rpartition("/")
            for program in programs:
                found = lived(ctx, program, whole or name, contract if whole else None)
                decisions[name] |= {key: found[key] for key in LIFE} if found is not None else {}


def _days(ctx: Context, program: str, named: list[str], full: bool) -> dict[str, dict[str, Any]]:
    """Return decisions on deliveries by `contract/day`; without `full`, of the contracts that are named."""
    contracts = None if full else sorted({name.rpartition("/")[0] for name in named})
    rows = day_records(ctx.session, program, contracts) if full or contracts else []
    return {f"{row.contract_id}/{row.delivered_on}": day_summary(row.record) for row in rows}


def _accounts(ctx: Context) -> dict[str, dict[str, str]]:
    """Return what was booked by month of the books and currency, by account, debits positive."""
    return {
        f"{period}/{currency}": {account: shown(amount, currency) for account, amount in by_account.items()}
        for (period, currency), by_account in account_balances(ctx.session).items()
    }


def _names_lines(story: Story) -> bool:
    return any("lines" in wanted for wanted in story.expect["statements"].values())


def _statements(ctx: Context, with_lines: bool) -> dict[str, dict[str, Any]]:
    statements, found_totals = {}, totals(ctx.session)
    carried = balances(ctx.session, [total.statement for total in found_totals])
    for total in found_totals:
        statement = total.statement
        found: dict[str, Any] = {
            "total": shown(total.amount, statement.currency),
            "currency": statement.currency,
            "line_count": total.lines,
            **balance_data(carried[statement.id], statement.currency),
        }
        if with_lines:
            lines = lines_after(ctx.session, statement.id, None, None)
            found["lines"] = [line_data(line, statement.currency) for line in lines]
        statements[f"{statement.contract_id}/{statement.period}"] = found
    return statements


def _lines(path: Path, story: Story, at: str) -> list[tuple[int, Any]]:
    """Return the bodies of an NDJSON file with their lines; a line that is not JSON is returned as its problem."""
    try:
        data = path.read_bytes()
        texts = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        # Of a damaged file there is no strerror.
        reason = getattr(error, "strerror", None) or f"the file is damaged ({error})"
        finding = Finding("file_refused", f"{path} cannot be read: {reason}", "/path")
        raise story.refuse(at, [finding], finding.message) from error
    return [(number, _parsed(text)) for number, text in enumerate(texts, start=1) if text.strip()]


def _refuse_lines(path: Path, lines: Sequence[tuple[int, Any]], receipts: Sequence[Receipt | DeliveryReceipt]) -> None:
    """Refuse a file of which lines were refused, with the first of them."""
    refused = [
        f"{path}:{number}: {receipt.problem.message}"
        for (number, _), receipt in zip(lines, receipts, strict=True)
        if receipt.problem is not None
    ]
    if refused:
        more = [f"… and {len(refused) - 10} more lines"] if len(refused) > 10 else []
        raise ScenarioMalformed("\n".join(refused[:10] + more))


def _parsed(text: bytes) -> Any:
    try:
        return parse_json(text)
    except MalformedJson as error:
        return ScenarioMalformed(f"not JSON: {error}")
