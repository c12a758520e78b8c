"""Which roles may use which operation, written by hand and not taken from the product, and how each is asked for.

An operation that is not here fails `test_every_operation.py`: add a line for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HOUSE = frozenset({"ops", "approver", "billing", "finance", "qa", "admin"})
WITH_PARTNERS = HOUSE | {"partner"}
CONFIGURE = frozenset({"ops", "admin"})
RATES = frozenset({"ops", "finance", "admin"})
APPROVE = frozenset({"approver", "admin"})
PREVIEW = HOUSE - {"billing"}
BILL, POST = frozenset({"billing", "admin"}), frozenset({"finance", "admin"})
AUDIT = frozenset({"ops", "approver", "finance", "admin"})
WHY = {"reason": "It was a typing error"}
ADMIN = frozenset({"admin"})
ROLES = sorted(WITH_PARTNERS)

Ids = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """One operation: the roles that may; the address of something of acme's, of zulu's, and of nothing (`{placeholder}`s
    are filled in from what the world made up); and a body.

    Without `theirs` it is about nothing that is anybody's. A list shows both, or one's own.
    """

    roles: frozenset[str]
    mine: str
    theirs: str | None = None
    nothing: str | None = None
    body: Any = None
    is_list: bool = False
    # What it is refused with by what it is about, for those who may.
    business: int | None = None
    more: tuple[str, ...] = field(default=())


def _of(roles: frozenset[str], path: str, body: Any = None, business: int | None = None) -> Asked:
    """An operation on something of a partner's, whose id is in the path as @."""
    return Asked(roles, *(path.replace("@", name) for name in ("acme", "zulu", "nobody")), body=body, business=business)


CONVERSION = {
    "id": "new-1",
    "program": "shop",
    "event_at": "1997-07-03T10:00:00Z",
    "partner": "acme",
    "facts": {"order_value": "9.00"},
}
DELIVERY = {
    "contract": "acme",
    "delivered_on": "1997-07-03",
    "placement": "news",
    "source": "adserver",
    "facts": {"impressions": 9},
}
CREDIT = {
    "contract": "zulu",
    "id": "new-credit",
    "kind": "credit",
    "delivered_on": "1997-07-03",
    "repairs_on": "1997-07-03",
    "amount": "1.00",
    "reason": "It was not shown",
}
PAYOUT = {
    "kind": "payout",
    "on": "conversion",
    "hit": "first",
    "rules": [],
    "otherwise": {"percent": "6", "of": "order_value"},
}
RATE = {"from": "EUR", "to": "USD", "day": "1997-07-02", "rate": "1.10", "source": "ECB"}
V = "/v1/contracts/@/versions"
RULES = f"{V}/1/rule-versions"

OPERATIONS: dict[str, Asked] = {
    # partners and programs
    "add_partner": Asked(CONFIGURE, "/v1/partners", body={"id": "newcomer"}),
    "list_partners": Asked(WITH_PARTNERS, "/v1/partners", is_list=True, more=("/v1/partners?limit=1&after=WyJhIl0",)),
    "show_partner": _of(WITH_PARTNERS, "/v1/partners/@"),
    "add_program": Asked(CONFIGURE, "/v1/programs", body={"id": "p", "currency": "USD", "timezone": "UTC"}),
    "list_programs": Asked(WITH_PARTNERS, "/v1/programs", is_list=True),
    "show_program": Asked(WITH_PARTNERS, "/v1/programs/shop", "/v1/programs/zulu-shop", "/v1/programs/nobody-shop"),
    "add_facts": Asked(
        CONFIGURE,
        "/v1/programs/shop/facts",
        "/v1/programs/zulu-shop/facts",
        "/v1/programs/nobody-shop/facts",
        {"facts": {"gold": {"type": "boolean", "meaning": "whether it is"}}},
    ),
    "set_model": Asked(
        CONFIGURE,
        "/v1/programs/shop/attribution-models",
        "/v1/programs/zulu-shop/attribution-models",
        "/v1/programs/nobody-shop/attribution-models",
        {"effective_from": "2999-01-01", "attribution": {"model": "linear"}},
    ),
    "list_models": Asked(
        HOUSE,
        "/v1/programs/shop/attribution-models",
        "/v1/programs/zulu-shop/attribution-models",
        "/v1/programs/nobody-shop/attribution-models",
    ),
    # rules and lists: lists belong to the house
    "check_rule_body": Asked(PREVIEW, "/v1/rules/check", body=PAYOUT),
    "compare_rule_bodies": Asked(PREVIEW, "/v1/rules/compare", body={"old": PAYOUT, "new": PAYOUT}),
    "quote_formula": Asked(PREVIEW, "/v1/quotes", body={"formula": {"flat": "5"}, "facts": {}}),
    "add_list": Asked(CONFIGURE, "/v1/lists", body={"id": "new-list", "type": "text", "members": ["a"]}),
    "add_list_version": _of(CONFIGURE, "/v1/lists/@-codes/versions", {"members": ["b"]}),
    "list_lists": Asked(HOUSE, "/v1/lists", is_list=True),
    "show_list": _of(HOUSE, "/v1/lists/@-codes"),
    "show_list_version": _of(HOUSE, "/v1/lists/@-codes/versions/1"),
    # contracts
    "add_contract": Asked(
        CONFIGURE, "/v1/contracts", body={"id": "new-contract", "program": "zulu-shop", "partner": "acme"}
    ),
    "list_contracts": Asked(WITH_PARTNERS, "/v1/contracts", is_list=True),
    "show_contract": _of(WITH_PARTNERS, "/v1/contracts/@"),
    "add_version": _of(CONFIGURE, V, {"effective_from": "1999-01-01", "rules": {"payout": PAYOUT}}),
    "list_versions": _of(WITH_PARTNERS, V),
    "show_version": _of(WITH_PARTNERS, f"{V}/1"),
    "check": _of(PREVIEW, f"{V}/2/check"),
    "submit": _of(CONFIGURE, f"{V}/2/submit"),
    "approve": _of(APPROVE, f"{V}/3/approve"),
    "add_rule_version": _of(CONFIGURE, RULES, {"kind": "payout", "effective_from": "1997-12-01", "body": PAYOUT}),
    "list_rule_versions": _of(WITH_PARTNERS, RULES),
    "show_rule_version": _of(WITH_PARTNERS, f"{RULES}/payout/1"),
    "submit_rules": _of(CONFIGURE, f"{RULES}/payout/2/submit"),
    "approve_rules": _of(APPROVE, f"{RULES}/payout/3/approve"),
    "add_promotion": _of(
        CONFIGURE, "/v1/contracts/@/promotions", {"effective_from": "2999-01-01", "until": "2999-02-01"}
    ),
    "add_renewal": _of(CONFIGURE, "/v1/contracts/@/renewals", {"months": 12}, business=409),
    "add_reinstatement": _of(
        CONFIGURE, "/v1/contracts/@/reinstatements", {"effective_from": "2999-01-01"}, business=409
    ),
    "list_renewals": Asked(HOUSE, "/v1/renewals", is_list=True),
    "edit": _of(CONFIGURE, f"{V}/2", {"effective_from": "1999-02-01", "rules": {"payout": PAYOUT}}),
    "edit_rules": _of(CONFIGURE, f"{RULES}/payout/2", {"effective_from": "1997-12-02", "body": PAYOUT}),
    "reject": _of(APPROVE, f"{V}/3/reject", WHY),
    "withdraw": _of(CONFIGURE, f"{V}/2/withdraw", WHY),
    "retire": _of(APPROVE, f"{V}/1/retire", WHY),
    "reject_rules": _of(APPROVE, f"{RULES}/payout/3/reject", WHY),
    "withdraw_rules": _of(CONFIGURE, f"{RULES}/payout/2/withdraw", WHY),
    "retire_rules": _of(APPROVE, f"{RULES}/payout/4/retire", WHY),
    "set_policy": Asked(
        APPROVE,
        "/v1/programs/shop/approval-policies",
        "/v1/programs/zulu-shop/approval-policies",
        "/v1/programs/nobody-shop/approval-policies",
        {"policy": {"approvals": 1}},
    ),
    "list_policies": Asked(
        HOUSE,
        "/v1/programs/shop/approval-policies",
        "/v1/programs/zulu-shop/approval-policies",
        "/v1/programs/nobody-shop/approval-policies",
    ),
    "show_diff": _of(HOUSE, f"{V}/2/diff"),
    "show_impact": _of(PREVIEW, f"{V}/2/impact"),
    "show_rules_impact": _of(PREVIEW, f"{RULES}/payout/2/impact"),
    # exchange rates
    "add_rate": Asked(RATES, "/v1/exchange-rates", body=RATE),
    "list_rates": Asked(HOUSE, "/v1/exchange-rates", is_list=True),
    "show_rate": Asked(HOUSE, "/v1/exchange-rates/EUR/USD/1997-07-01", nothing="/v1/exchange-rates/EUR/USD/1997-07-09"),
    # the audit trail
    "list_audit_events": Asked(AUDIT, "/v1/audit-events", is_list=True),
    "show_audit_head": Asked(AUDIT, "/v1/audit-events/head"),
    "show_terms": _of(WITH_PARTNERS, "/v1/contracts/@/terms"),
    "show_timeline": _of(WITH_PARTNERS, "/v1/contracts/@/timeline"),
    # conversions and decisions
    "add_conversion": Asked(frozenset({"ops", "billing", "admin"}), "/v1/conversions", body=CONVERSION),
    "show_conversion": _of(WITH_PARTNERS, "/v1/conversions/shop/@-1"),
    "add_correction": Asked(
        frozenset({"ops", "billing", "admin"}),
        "/v1/conversions/shop/acme-1/corrections",
        nothing="/v1/conversions/shop/nobody-1/corrections",
        body={"facts": {"order_value": "8.00"}, "reason": "Net of a voucher"},
    ),
    "list_corrections": _of(WITH_PARTNERS, "/v1/conversions/shop/@-2/corrections"),
    "add_reversal": _of(
        frozenset({"ops", "billing", "admin"}),
        "/v1/conversions/shop/@-1/reversals",
        {"id": "back", "reason": "RETURN", "amount": "1.00"},
    ),
    "list_reversals": _of(WITH_PARTNERS, "/v1/conversions/shop/@-2/reversals"),
    "preview": Asked(PREVIEW, "/v1/decisions/preview", body=CONVERSION),
    "show_decision": Asked(
        WITH_PARTNERS,
        "/v1/decisions/{acme_current}",
        "/v1/decisions/{zulu_current}",
        "/v1/decisions/dec_0",
        more=("/v1/decisions/{acme_retired}",),
    ),
    "list_decisions": _of(WITH_PARTNERS, "/v1/decisions?program=shop&conversion=@-1"),
    # deliveries
    "add_delivery": Asked(frozenset({"ops", "billing", "admin"}), "/v1/deliveries", body=DELIVERY),
    "list_deliveries": _of(WITH_PARTNERS, "/v1/deliveries?contract=@"),
    "show_delivery": Asked(
        WITH_PARTNERS, "/v1/deliveries/{acme_delivery}", "/v1/deliveries/{zulu_delivery}", "/v1/deliveries/dlv_0"
    ),
    "add_adjustment": Asked(frozenset({"ops", "billing", "admin"}), "/v1/delivery-adjustments", body=CREDIT),
    "list_adjustments": _of(WITH_PARTNERS, "/v1/delivery-adjustments?contract=@"),
    "list_day_decisions": _of(WITH_PARTNERS, "/v1/delivery-decisions?contract=@&delivered_on=1997-07-02"),
    # billing
    "add_billing_run": Asked(
        frozenset({"billing", "admin"}), "/v1/billing-runs", body={"contract": "zulu", "period": "1997-07"}
    ),
    "list_billing_runs": Asked(HOUSE, "/v1/billing-runs", is_list=True),
    "show_billing_run": Asked(HOUSE, "/v1/billing-runs/{run}", nothing="/v1/billing-runs/run_0"),
    "list_proposed_lines": Asked(HOUSE, "/v1/billing-runs/{run}/lines", nothing="/v1/billing-runs/run_0/lines"),
    "post_billing_run": Asked(POST, "/v1/billing-runs/{run}/post", nothing="/v1/billing-runs/run_0/post"),
    "cancel_billing_run": Asked(BILL, "/v1/billing-runs/{run}/cancel", nothing="/v1/billing-runs/run_0/cancel"),
    "reverse_billing_run": Asked(
        BILL, "/v1/billing-runs/{run}/reversals", nothing="/v1/billing-runs/run_0/reversals", business=409
    ),
    "close_accounting_period": Asked(
        POST,
        "/v1/programs/shop/accounting-periods/1997-01/close",
        "/v1/programs/zulu-shop/accounting-periods/1997-01/close",
        "/v1/programs/nobody-shop/accounting-periods/1997-01/close",
    ),
    "show_accounting_periods": Asked(
        HOUSE,
        "/v1/programs/shop/accounting-periods",
        "/v1/programs/zulu-shop/accounting-periods",
        "/v1/programs/nobody-shop/accounting-periods",
    ),
    "list_statements": Asked(
        WITH_PARTNERS,
        "/v1/statements",
        is_list=True,
        more=("/v1/statements?contract=zulu", "/v1/statements?period=1997-07"),
    ),
    "show_statement": _of(WITH_PARTNERS, "/v1/statements/@/1997-07"),
    "show_statement_csv": _of(WITH_PARTNERS, "/v1/statements/@/1997-07/csv"),
    "show_statement_parquet": _of(WITH_PARTNERS, "/v1/statements/@/1997-07/parquet"),
    "show_statement_page": _of(WITH_PARTNERS, "/v1/statements/@/1997-07/page"),
    "list_journal": Asked(HOUSE, "/v1/journal", is_list=True, more=("/v1/journal?contract=zulu",)),
    "reconcile": _of(HOUSE, "/v1/statements/@/1997-07/reconciliations", {"rows": [{"id": "acme-1", "amount": "1.00"}]}),
    # keys
    "add_api_key": Asked(ADMIN, "/v1/api-keys", body={"name": "newcomer", "role": "admin"}),
    "list_api_keys": Asked(ADMIN, "/v1/api-keys", is_list=True),
    "show_api_key": Asked(ADMIN, "/v1/api-keys/{key}", nothing="/v1/api-keys/key_0"),
    "rotate_api_key": Asked(ADMIN, "/v1/api-keys/{key}/rotate", nothing="/v1/api-keys/key_0/rotate", body={}),
    "revoke_api_key": Asked(ADMIN, "/v1/api-keys/{key}/revoke", nothing="/v1/api-keys/key_0/revoke", body={}),
}

# What shows the house drafts as well; of all else, a partner is shown exactly what the house is.
WITH_DRAFTS = ("list_versions", "show_version", "list_rule_versions")
# What a partner may not be told of its own contract either: what is not approved.
HIDDEN_FROM_PARTNERS = (
    f"{V}/2",
    f"{V}/3",
    f"{V}/2/rule-versions",
    f"{V}/2/rule-versions/payout/1",
    f"{RULES}/payout/2",
    f"{RULES}/payout/3",
)
