"""Every operation that changes anything writes an event with who did it, and one that changes nothing writes none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, text

import app
from app.access.operations.create_key import create_key
from app.audit.repository import walked
from app.audit.verification import verify_chain
from app.core.ids import derived_id
from app.runtime import Runtime
from app.store.base import Base
from app.web.openapi import operations_of
from tests.builders.trail import events
from tests.web.billing import worked
from tests.web.bodies import PROGRAM, conversion, payout, rules
from tests.web.client import ApiClient

# The trail itself, and what is no state: a list of work to do that follows from the rest.
NOT_STATE = {
    "audit_events",
    "audit_head",
    "unsettled_conversions",
    "unsettled_days",
    "api_key_secrets",
    "idempotency_keys",
}
# Modules of operations that only read. Whoever adds an operation either notes what it changes, or says here that it
# changes nothing.
READING = {
    "access/authenticate",
    "access/issue_secret",
    "audit/verify_trail",
    # These open, end and post runs by the operations that note it.
    "billing/bill_at_once",
    "billing/cancel_run",
    "billing/reverse_run",
    "billing/get_document",
    "billing/get_journal",
    "billing/get_run",
    "billing/get_statement",
    "billing/preview_change",
    "billing/reconcile_statement",
    # It drafts by the operations that note it; exporting reads.
    "contract_files/apply_documents",
    "contract_files/export_contract",
    "contracts/check_version",
    "contracts/diff_version",
    "contracts/get_terms",
    "contracts/rehearse_change",
    "contracts/renewals_due",
    "conversions/explain_day",
    "conversions/explain_decision",
    "conversions/get_conversion",
    "conversions/preview_decision",
    "conversions/rate_files",
    "deliveries/count_impressions",
    "conversions/trace_life",
    "deliveries/get_deliveries",
    "partners/get_program",
    "rulesets/price_quote",
}
VERSIONS = "/v1/contracts/acme/versions"
WHY = {"reason": "It was a typing error"}
RUN, NEXT = (derived_id("run", "cdnow", "acme", "1997-07", number) for number in ("1", "2"))
RATE = {"from": "EUR", "to": "USD", "day": "1997-03-03", "rate": "1.10", "source": "ECB"}
DELIVERY = {"contract": "acme", "delivered_on": "1997-07-02", "placement": "home", "source": "adserver", "facts": {"impressions": 1000}}  # fmt: skip
CREDIT = {"contract": "acme", "id": "k1", "kind": "credit", "delivered_on": "1997-07-02", "repairs_on": "1997-07-02", "amount": "1.00", "reason": "It was dark"}  # fmt: skip
LIST = {"id": "codes", "type": "text", "members": ["A"]}


@dataclass(frozen=True)
class Deed:
    """A request, who sends it, and the actions that its events name; without any, it changes nothing."""

    operation: str
    role: str
    path: str
    body: Any = None
    actions: tuple[str, ...] = ()
    method: str = "post"
    # Whether a worker does first what there is to do.
    worked: bool = False

    @property
    def actor(self) -> str:
        return f"{self.role} of the story"


STORY = [
    Deed("add_program", "ops", "/v1/programs", PROGRAM, ("program.created",)),
    Deed("add_facts", "ops", "/v1/programs/cdnow/facts", {"facts": {"vip": {"type": "boolean", "meaning": "a regular"}}}, ("program.facts_declared",)),
    Deed("set_model", "ops", "/v1/programs/cdnow/attribution-models", {"effective_from": "1997-09-01", "attribution": {"model": "linear"}, "backdated": "restate"}, ("attribution_model.set",)),
    Deed("add_partner", "ops", "/v1/partners", {"id": "acme"}, ("partner.created",)),
    Deed("add_list", "ops", "/v1/lists", LIST, ("list_version.published",)),
    Deed("add_list_version", "ops", "/v1/lists/codes/versions", {"members": ["A", "B"]}, ("list_version.published",)),
    Deed("add_contract", "ops", "/v1/contracts", {"id": "acme", "program": "cdnow", "partner": "acme"}, ("contract.created",)),
    Deed("check_rule_body", "ops", "/v1/rules/check", payout()),
    Deed("compare_rule_bodies", "ops", "/v1/rules/compare", {"old": payout(), "new": payout("7")}),
    Deed("quote_formula", "ops", "/v1/quotes", {"formula": {"flat": "5"}, "facts": {}}),
    Deed("add_version", "ops", VERSIONS, {"effective_from": "1997-01-01", "rules": rules()}, ("contract_version.drafted",)),
    Deed("submit", "ops", f"{VERSIONS}/1/submit", None, ("contract_version.submitted",)),
    Deed("approve", "approver", f"{VERSIONS}/1/approve", None, ("approval.given", "contract_version.approved")),
    Deed("add_conversion", "billing", "/v1/conversions", conversion(), ("conversions.received", "decisions.settled")),
    Deed("add_correction", "billing", "/v1/conversions/cdnow/o1/corrections", {"facts": {"order_value": "90.00"}, "reason": "Net of a voucher"}, ("conversion.corrected", "decisions.settled")),
    Deed("add_reversal", "billing", "/v1/conversions/cdnow/o1/reversals", {"id": "r1", "reason": "RETURN", "amount": "1.00"}, ("conversion.reversed", "decisions.settled")),
    Deed("add_delivery", "billing", "/v1/deliveries", DELIVERY, ("deliveries.received", "decisions.settled")),
    Deed("add_adjustment", "billing", "/v1/delivery-adjustments", CREDIT, ("delivery.adjusted", "decisions.settled")),
    Deed("preview", "qa", "/v1/decisions/preview", conversion("o2")),
    Deed("add_billing_run", "billing", "/v1/billing-runs", {"contract": "acme", "period": "1997-07"}, ("billing_run.opened",)),
    Deed("cancel_billing_run", "billing", f"/v1/billing-runs/{RUN}/cancel", None, ("billing_run.cancelled",)),
    Deed("add_billing_run", "billing", "/v1/billing-runs", {"contract": "acme", "period": "1997-07"}, ("billing_run.opened",)),
    Deed("post_billing_run", "finance", f"/v1/billing-runs/{NEXT}/post", None, ("billing_run.post_asked",), worked=True),
    Deed("reverse_billing_run", "billing", f"/v1/billing-runs/{NEXT}/reversals", None, ("billing_run.opened",), worked=True),
    Deed("reconcile", "finance", "/v1/statements/acme/1997-07/reconciliations", {"rows": [{"id": "o1", "amount": "6.00"}]}),
    Deed("add_rule_version", "ops", f"{VERSIONS}/1/rule-versions", {"kind": "payout", "effective_from": "1997-06-01", "backdated": "restate", "body": payout("7")}, ("rule_version.drafted",)),
    Deed("submit_rules", "ops", f"{VERSIONS}/1/rule-versions/payout/2/submit", None, ("rule_version.submitted",)),
    Deed("approve_rules", "approver", f"{VERSIONS}/1/rule-versions/payout/2/approve", None, ("approval.given", "rule_version.approved")),
]  # fmt: skip


BEFORE_READING = len(STORY)
# Each deed is done twice where that is possible, so every draft has a twin: version 2 is that of version 1.
STORY += [
    Deed("retire_rules", "approver", f"{VERSIONS}/1/rule-versions/payout/2/retire", WHY, ("rule_version.retired",)),
    Deed("edit_rules", "ops", f"{VERSIONS}/1/rule-versions/payout/3", {"effective_from": "1997-06-03", "backdated": "restate", "body": payout("8")}, ("rule_version.edited",), "put"),
    Deed("edit", "ops", f"{VERSIONS}/2", {"effective_from": "1997-03-01", "backdated": "restate"}, ("contract_version.edited",), "put"),
    Deed("withdraw_rules", "ops", f"{VERSIONS}/1/rule-versions/payout/3/withdraw", WHY, ("rule_version.withdrawn",)),
    Deed("add_rule_version", "ops", f"{VERSIONS}/1/rule-versions", {"kind": "payout", "effective_from": "1997-06-02", "backdated": "restate", "body": payout("7")}, ("rule_version.drafted",)),
    Deed("submit_rules", "ops", f"{VERSIONS}/1/rule-versions/payout/4/submit", None, ("rule_version.submitted",)),
    Deed("reject_rules", "approver", f"{VERSIONS}/1/rule-versions/payout/4/reject", WHY, ("rule_version.rejected",)),
    Deed("withdraw", "ops", f"{VERSIONS}/2/withdraw", WHY, ("contract_version.withdrawn",)),
    Deed("add_promotion", "ops", "/v1/contracts/acme/promotions", {"effective_from": "1997-08-01", "until": "1997-08-03", "backdated": "restate"}, ("contract_version.drafted",) * 2),
    Deed("submit", "ops", f"{VERSIONS}/3/submit", None, ("contract_version.submitted",) * 2),
    Deed("reject", "approver", f"{VERSIONS}/3/reject", WHY, ("contract_version.rejected",) * 2),
    Deed("add_version", "ops", VERSIONS, {"effective_from": "1997-09-01", "backdated": "restate"}, ("contract_version.drafted",)),
    Deed("submit", "ops", f"{VERSIONS}/7/submit", None, ("contract_version.submitted",)),
    Deed("approve", "approver", f"{VERSIONS}/7/approve", None, ("approval.given", "contract_version.approved")),
    Deed("retire", "approver", f"{VERSIONS}/7/retire", WHY, ("contract_version.retired",)),
    Deed("add_version", "ops", VERSIONS, {"effective_from": "1997-10-01", "backdated": "restate", "ends_on": "1998-10-01"}, ("contract_version.drafted",) * 2),
    Deed("submit", "ops", f"{VERSIONS}/9/submit", None, ("contract_version.submitted",) * 2),
    Deed("approve", "approver", f"{VERSIONS}/9/approve", None, ("approval.given",) * 2 + ("contract_version.approved",) * 2),
    Deed("add_renewal", "ops", "/v1/contracts/acme/renewals", {"months": 12, "backdated": "restate"}, ("contract_version.drafted",) * 2),
    Deed("add_reinstatement", "ops", "/v1/contracts/acme/reinstatements", {"effective_from": "1998-12-01", "ends_on": "1999-12-01", "backdated": "restate"}, ("contract_version.drafted",) * 2),
    Deed("add_rate", "finance", "/v1/exchange-rates", RATE, ("exchange_rate.recorded",)),
    Deed("add_rate", "ops", "/v1/exchange-rates", {**RATE, "rate": "1.11", **WHY}, ("exchange_rate.recorded",)),
    Deed("set_policy", "approver", "/v1/programs/cdnow/approval-policies", {"policy": {"approvals": 1}}, ("approval_policy.set",)),
    Deed("close_accounting_period", "finance", "/v1/programs/cdnow/accounting-periods/1997-06/close", None, ("accounting_period.closed",)),
]  # fmt: skip


@pytest.fixture
def told(client: ApiClient) -> ApiClient:
    """A client whose keys are all made."""
    for deed in STORY:
        client.keys.of(deed.role, deed.actor)
    client.keys.of("admin")
    return client


def sent(client: ApiClient, deed: Deed, body: Any = None, **more: Any) -> Any:
    """Send a deed with this body, as its method wants it."""
    headers = {"If-Match": "*"} if deed.method == "put" else {}
    given = {} if body is None else {"json": body}
    return client.open(deed.method, deed.path, headers=headers, **given, **more)


def state(connection: Connection) -> dict[str, str]:
    """A fingerprint of everything that is stored, by table."""
    return {
        name: connection.scalar(
            text(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t")
        )
        for name in sorted(Base.metadata.tables)
        if name not in NOT_STATE
    }


def events_since(connection: Connection, seq: int) -> list[tuple[str, str]]:
    """Actor and action of the events after a place."""
    query = text("SELECT actor, action FROM audit_events WHERE seq > :seq ORDER BY seq")
    return [(row.actor, row.action) for row in connection.execute(query, {"seq": seq})]


def last(connection: Connection) -> int:
    """The place of the last event."""
    return connection.scalar(text("SELECT seq FROM audit_head")) or 0


def test_every_write_over_http_is_in_the_trail_and_no_refusal_is(told: ApiClient, connection: Connection) -> None:
    for deed in STORY:
        sender = told.as_(deed.role, deed.actor)
        if deed.worked:
            worked(told)
        before, place = state(connection), last(connection)
        for refused in (
            sent(sender, deed, {"nonsense": 1}),
            sent(sender, deed, data=b"{", content_type="application/json"),
            sent(sender, deed, deed.body, query_string="nonsense=1"),
        ):
            assert refused.status_code >= 400 or not deed.actions, (deed, refused.text)
        assert (state(connection), events_since(connection, place)) == (before, []), deed

        done = sent(sender, deed, deed.body)
        assert done.status_code < 300, (deed, done.text)
        assert events_since(connection, place) == [(deed.actor, action) for action in deed.actions], deed
        assert (state(connection) != before) == bool(deed.actions), deed

        after, place = state(connection), last(connection)
        sent(sender, deed, deed.body)  # refused now, or known already, or one more of the same
        assert bool(events_since(connection, place)) == (state(connection) != after), deed


# Told in tests/access: their bodies hold secrets.
OF_KEYS = {"add_api_key", "rotate_api_key", "revoke_api_key"}


def test_the_story_has_every_operation_that_writes(client: ApiClient) -> None:
    writing = {operation["operationId"] for _, method, operation in operations_of(client.document) if method != "get"}
    assert writing - OF_KEYS == {deed.operation for deed in STORY}
    for deed in STORY:
        template = client.template(deed.method, deed.path)
        assert client.document["paths"][template][deed.method]["operationId"] == deed.operation


def test_reading_changes_nothing(told: ApiClient, connection: Connection) -> None:
    for deed in STORY[:BEFORE_READING]:
        if deed.worked:
            worked(told)
        sent(told.as_(deed.role, deed.actor), deed, deed.body)
    # The first reader has decided what the last approval touched: that is a change, and has its event.
    before, place = state(connection), last(connection)
    told.get("/v1/decisions?program=cdnow&conversion=o1")
    assert events_since(connection, place) == [("admin", "decisions.settled")]
    assert state(connection) != before
    before, place = state(connection), last(connection)
    values = {"partner": "acme", "program": "cdnow", "contract": "acme", "list": "codes", "period": "1997-07", "number": "1", "kind": "payout", "rule_number": "1", "conversion": "o1"}  # fmt: skip
    for path, method, _ in operations_of(told.document):
        if method == "get":
            told.get(re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "x"), path))
    assert (state(connection), events_since(connection, place)) == (before, [])


def test_many_conversions_are_one_event_with_a_hash_of_what_came(told: ApiClient, runtime: Runtime) -> None:
    for deed in STORY[: BEFORE_READING - 3]:
        sent(told.as_(deed.role, deed.actor), deed, deed.body)
    lines = [conversion(f"n{number}") for number in range(5)]
    sender = told.as_("billing", "billing of the story")
    body = b"\n".join(
        orjson.dumps(line) for line in [*lines, conversion("n0"), conversion("n1", "1.00"), {"id": "bad"}]
    )
    sender.post("/v1/conversions", data=body, headers={"Content-Type": "application/x-ndjson"})
    with runtime.work("zoe") as ctx:
        received = events(ctx, action="conversions.received")[-1]
        assert received.subject == "cdnow"
        assert received.summary == "cdnow: 5 conversions received"
        assert received.after is not None
        assert {name: received.after[name] for name in ("accepted", "duplicate", "refused", "first")} == {
            "accepted": 5,
            "duplicate": 1,
            "refused": 1,
            "first": "n0",
        }
        assert re.fullmatch("[0-9a-f]{64}", received.after["hash"])
        assert verify_chain(walked(ctx.session)).is_whole
    again = sender.post("/v1/conversions", data=body, headers={"Content-Type": "application/x-ndjson"})
    assert again.status_code == 200
    with runtime.work("zoe") as ctx:
        assert events(ctx, action="conversions.received")[-1].seq == received.seq, "nothing new came"


def test_a_key_has_its_event_and_the_event_not_the_key(runtime: Runtime) -> None:
    with runtime.work("cli:root") as ctx:
        _, secret = create_key(ctx, role="ops", name="dana")
    with runtime.work("zoe") as ctx:
        (event,) = events(ctx, action="api_key.created")
        assert (event.actor, event.after["name"], event.after["role"]) == ("cli:root", "dana", "ops")
        assert secret not in event.body


def test_every_operation_that_is_not_known_to_read_only_notes_what_it_does() -> None:
    silent = set()
    for module in Path(app.__path__[0]).glob("*/operations/*.py"):
        if module.name != "__init__.py" and not re.search(r"^\s+record(_drafted)?\(", module.read_text(), re.MULTILINE):
            silent.add(f"{module.parent.parent.name}/{module.stem}")
    assert silent == READING
