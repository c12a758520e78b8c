"""What the database itself refuses, each as one statement in SQL in the world of `whole_lives`, and which guard refuses it."""

from __future__ import annotations

from collections.abc import Iterator

from app.store.models import ContractVersion, RuleVersion
from tests.store.refusals import Refused, copied
from tests.store.run_invariants import of_lines, runs

TABLES = (
    "contracts",
    "contract_versions",
    "rule_versions",
    "saved_drafts",
    "approvals",
    "approval_policies",
    "attribution_models",
    "conversions",
    "touches",
    "reversals",
    "corrections",
    "decisions",
    "statements",
    "postings",
    "statement_lines",
    "accrual_lines",
    "accounting_closings",
    "named_lists",
    "list_versions",
    "exchange_rates",
    "deliveries",
    "delivery_adjustments",
)


def _version(number: int, changes: str) -> str:
    return f"UPDATE contract_versions SET {changes} WHERE id = 'acme/{number}'"


def _rule(number: int, changes: str, version: int = 1) -> str:
    return f"UPDATE rule_versions SET {changes} WHERE id = 'acme/{version}/payout/{number}'"


# How one would approve, retire or close a row by hand.
APPROVED = "state = 'approved', approved_by = '{by}', recorded_at = {at}, in_force_from = {start}"
NOW, START = "timestamptz '2027-02-01 00:00Z'", "effective_from"
BY_SAM = APPROVED.format(by="sam", at=NOW, start=START)
BY_EVE = APPROVED.format(by="eve", at=NOW, start=START)
CLOSED = f"closed_by = 'eve', closed_at = {NOW}"
RETIRED = f"retired_at = {NOW}, retired_by = 'eve'"
RULE_GUARDS, VERSION_GUARDS = ("rule_versions.guarded", "rule_versions.inside"), ("contract_versions.guarded",)


def _both(name: str, changes: str, *, of: str = "draft", without: bool = False) -> list[Refused]:
    """The same check is on both tables of versions; `of` is the state of the rows it is tried on."""
    version, rule = {"draft": (6, 4), "submitted": (10, 3), "approved": (2, 2)}[of]
    return [
        Refused(f"ck_contract_versions_{name}", _version(version, changes), VERSION_GUARDS if without else ()),
        Refused(f"ck_rule_versions_{name}", _rule(rule, changes), RULE_GUARDS if without else ()),
    ]


def checks() -> Iterator[Refused]:
    """Checks on state, people, money and words."""
    yield from _both("state", "state = 'pending'", without=True)
    yield from _both("approved_is_recorded", f"approved_by = 'eve', recorded_at = {NOW}, in_force_from = {START}")
    yield from _both("approved_by_somebody", "approved_by = 'eve'")
    yield from _both("approved_is_in_force", f"in_force_from = {START}")
    later = APPROVED.format(by="eve", at=NOW, start="effective_from + interval '1 microsecond'")
    yield from _both("in_force_from", later, of="submitted", without=True)
    yield from _both("author_is_an_editor", "editors = '{eve}'", without=True)
    by_author = APPROVED.format(by="author", at=NOW, start=START)
    yield from _both("author_does_not_approve", by_author, of="submitted", without=True)
    edited = "editors = editors || '{eve}'::text[], " + BY_EVE
    yield from _both("editor_does_not_approve", edited, of="submitted", without=True)
    by_clerk = APPROVED.format(by="clerk", at=NOW, start=START)
    yield from _both("submitter_does_not_approve", by_clerk, of="submitted", without=True)
    yield from _both("approvals_needed", "approvals_needed = 0")
    yield from _both("approvals_needed", "approvals_needed = 11")
    yield from _both("revision", "revision = 0")
    yield from _both("retired_after_recorded", "retired_at = '2020-01-01', retired_by = 'eve'", of="approved")
    yield from _both("retired_by_somebody", f"retired_at = {NOW}", of="approved")
    yield from _both("retired_by_somebody", "retired_by = 'eve'")
    yield from _both("closed", CLOSED)
    yield from _both("closed", "state = 'withdrawn'")
    yield from _both("closed_by_somebody", f"state = 'withdrawn', closed_at = {NOW}")
    yield from _both("rejected_with_a_reason", f"state = 'rejected', {CLOSED}", of="submitted")
    yield from _both("backdated", "backdated = 'maybe'")
    yield from _both("number", "number = 0", without=True)
    yield Refused("ck_contract_versions_kind", _version(6, "kind = 'gift'"))
    yield Refused("ck_rule_versions_kind", _rule(4, "kind = 'gift'"))
    yield Refused("ck_contract_versions_value", _version(6, "value = -0.000000001"))
    yield Refused("ck_contract_versions_renewal", _version(6, 'renewal = \'{"mode": "often"}\''))
    yield Refused("ck_contract_versions_renewal_of_a_term", _version(6, 'renewal = \'{"mode": "fixed"}\''))
    yield Refused("ck_contract_versions_settlement", _version(6, "settlement = '[]'"))
    never = ("contracts.never_changes",)
    yield Refused("ck_contracts_direction", "UPDATE contracts SET direction = 'both'", never)
    yield Refused("ck_contracts_rounding", "UPDATE contracts SET rounding = 'down'", never)
    yield Refused("ck_corrections_number", copied("corrections", number="0"))
    yield Refused("ck_saved_drafts_revision", copied("saved_drafts", revision="0"))
    yield Refused(
        "ck_approvals_of_one_version", copied("approvals", id="'x'", contract_version_id="NULL"), ("approvals.fit",)
    )
    yield Refused(
        "ck_approvals_of_one_version",
        copied("approvals", id="'x'", rule_version_id="'acme/1/payout/3'"),
        ("approvals.fit",),
    )
    yield Refused("ck_approval_policies_number", copied("approval_policies", number="0"))
    yield Refused("ck_attribution_models_number", copied("attribution_models", number="1"))
    yield Refused(
        "ck_decisions_outcome",
        copied("decisions", id="'x'", revision="9", outcome="'paid'", amount="0", retired_at=NOW),
    )
    yield Refused(
        "ck_decisions_only_rated_pays",
        copied("decisions", id="'x'", revision="9", outcome="'held'", amount="1", retired_at=NOW),
    )
    yield Refused(
        "ck_decisions_rated_under_terms",
        copied("decisions", id="'x'", revision="9", outcome="'rated'", contract_version="NULL", retired_at=NOW),
    )
    of_a_day = {"where": "delivered_on IS NOT NULL"}
    yield Refused(
        "ck_decisions_of_one_subject",
        copied("decisions", id="'x'", revision="9", conversion_id="'c1'", retired_at=NOW, **of_a_day),
    )
    yield Refused(
        "ck_decisions_of_one_subject",
        copied("decisions", id="'x'", revision="9", delivered_on="NULL", retired_at=NOW, **of_a_day),
    )
    yield Refused(
        "ck_decisions_deliveries_of_a_contract",
        copied("decisions", id="'x'", revision="9", contract_id="NULL", retired_at=NOW, **of_a_day),
        ("ck_decisions_rated_under_terms",),
    )
    yield Refused("ck_statement_lines_of_one_subject", copied("statement_lines", id="'x'", conversion_id="NULL"))
    yield Refused("ck_contract_versions_delivery", _version(6, 'delivery = \'{"basis": "often"}\''))
    yield Refused("ck_deliveries_revision", copied("deliveries", id="'x'", revision="0"))
    yield Refused("ck_delivery_adjustments_kind", copied("delivery_adjustments", id="'x'", kind="'gift'"))
    yield Refused(
        "ck_delivery_adjustments_repairs_what_was", copied("delivery_adjustments", id="'x'", repairs_on="'2026-12-17'")
    )
    yield Refused("ck_touches_type", copied("touches", id="'x'", type="'glance'"))
    yield Refused("ck_reversals_mode", _second_reversal(mode="'maybe'"))
    yield Refused("ck_reversals_form", _second_reversal(form="'gift'"))
    yield Refused("ck_reversals_number", _second_reversal(number="0"), ("reversals.add_up",))
    yield Refused("ck_reversals_never_more_than_the_order", _second_reversal(value="91", total="101"))
    yield Refused("ck_reversals_never_more_than_the_order", _second_reversal(value="-1", total="9"))
    yield Refused("ck_reversals_full_leaves_nothing", _second_reversal(form="'full'"))
    yield Refused("ck_postings_balance", copied("postings", id="'x'", number="7", to_pay="to_pay + 1"))
    yield Refused(
        "ck_postings_never_paid_below_zero",
        copied("postings", id="'x'", number="7", amount="-1", to_pay="-1"),
    )
    yield Refused(
        "ck_postings_never_paid_below_zero",
        copied("postings", id="'x'", number="7", amount="1", to_pay="2", carried_forward="-1"),
    )
    yield Refused("ck_statement_lines_amount_is_not_zero", copied("statement_lines", id="'x'", amount="0"))
    yield Refused("ck_exchange_rates_two_currencies", copied("exchange_rates", target="'EUR'"))
    yield Refused("ck_exchange_rates_rate", copied("exchange_rates", number="3", rate="0", reason="'none'"))
    yield Refused("ck_exchange_rates_number", copied("exchange_rates", number="0", reason="'none'"))
    yield Refused("ck_exchange_rates_corrected_with_a_reason", copied("exchange_rates", number="2"))
    yield Refused("ck_named_lists_type", copied("named_lists", id="'x'", type="'money'"))
    yield Refused("ck_list_versions_members", copied("list_versions", number="2", members="'[]'::jsonb"))
    yield Refused("ck_list_versions_number", copied("list_versions", number="0"))


def keys() -> Iterator[Refused]:
    """Unique keys and starts, and references to what is not there."""
    yield Refused(
        "uq_contract_versions_start",
        _version(
            2,
            "in_force_from = (SELECT in_force_from FROM contract_versions WHERE id = 'acme/1'), effective_from = (SELECT effective_from FROM contract_versions WHERE id = 'acme/1')",
        ),
        VERSION_GUARDS,
    )
    both = "effective_from = '2026-01-01', recorded_at = '2027-01-15 00:00Z', in_force_from = '2027-01-15 00:00Z', backdated = 'prospective'"
    yield Refused(
        "uq_contract_versions_start",
        f"UPDATE contract_versions SET {both} WHERE id IN ('acme/2', 'acme/4')",
        VERSION_GUARDS,
    )
    yield Refused(
        "uq_contract_versions_start",
        "UPDATE contract_versions c SET retired_at = NULL, retired_by = NULL, effective_from = v.effective_from, in_force_from = v.effective_from FROM contract_versions v WHERE v.id = 'acme/1' AND c.id = 'acme/3'",
        VERSION_GUARDS,
    )
    yield Refused(
        "uq_rule_versions_start",
        "UPDATE rule_versions c SET effective_from = v.effective_from, in_force_from = v.effective_from FROM rule_versions v WHERE v.id = 'acme/1/payout/1' AND c.id = 'acme/1/payout/2'",
        RULE_GUARDS,
    )
    yield Refused("uq_contract_versions_contract_id_number", _version(6, "number = 5"), VERSION_GUARDS)
    yield Refused("uq_rule_versions_contract_version_id_kind_number", _rule(4, "number = 3"), RULE_GUARDS)
    yield Refused("uq_contracts_program_id_partner_id", copied("contracts", id="'x'"))
    yield Refused(
        "uq_approvals_contract_version_id_approver",
        copied("approvals", id="'x'", where="contract_version_id = 'acme/5'"),
    )
    yield Refused(
        "uq_approvals_rule_version_id_approver",
        copied("approvals", id="'x'", where="rule_version_id IS NOT NULL"),
        ("approvals.fit",),
    )
    yield Refused("uq_decisions_revision", copied("decisions", id="'x'", retired_at=NOW))
    yield Refused("uq_reversals_conversion_id_program_id_id", _second_reversal(id="'r1'"))
    yield Refused("uq_decisions_current", copied("decisions", id="'x'", revision="9", where="conversion_id = 'c1'"))
    yield Refused("uq_deliveries_revision", copied("deliveries", id="'x'"))
    yield Refused("uq_statements_contract_id_period", copied("statements", id="'x'"))
    for table in TABLES:
        if table in ("contract_versions", "rule_versions"):
            continue
        others = _OTHER_KEYS.get(table, ())
        yield Refused(f"pk_{table}", copied(table), others)
    yield Refused("pk_contract_versions", _version(6, "id = 'acme/8'"), VERSION_GUARDS)
    yield Refused("pk_rule_versions", _rule(4, "id = 'acme/1/payout/3'"), RULE_GUARDS)
    yield Refused("fk_contracts_program_id", copied("contracts", id="'x'", program_id="'nowhere'"))
    yield Refused("fk_contracts_partner_id", copied("contracts", id="'x'", partner_id="'nobody'"))
    yield Refused("fk_contract_versions_contract_id", _version(6, "contract_id = 'nothing'"), VERSION_GUARDS)
    yield Refused("fk_rule_versions_contract_version_id", _rule(4, "contract_version_id = 'nothing'"), RULE_GUARDS)
    yield Refused(
        "fk_approvals_contract_version_id",
        copied("approvals", id="'x'", contract_version_id="'nothing'", where="contract_version_id = 'acme/5'"),
        ("approvals.fit",),
    )
    yield Refused(
        "fk_approvals_rule_version_id",
        copied("approvals", id="'x'", rule_version_id="'nothing'", where="rule_version_id IS NOT NULL"),
        ("approvals.fit",),
    )
    yield Refused("fk_approval_policies_program_id", copied("approval_policies", program_id="'nowhere'"))
    yield Refused("fk_attribution_models_program_id", copied("attribution_models", program_id="'nowhere'"))
    yield Refused("fk_conversions_program_id", copied("conversions", program_id="'nowhere'"))
    yield Refused("fk_touches_program_id_conversion_id", copied("touches", conversion_id="'c9'"))
    yield Refused("fk_reversals_program_id_conversion_id", copied("reversals", conversion_id="'c9'"))
    yield Refused("fk_corrections_program_id_conversion_id", copied("corrections", conversion_id="'c9'"))
    yield Refused(
        "fk_decisions_program_id_conversion_id",
        copied("decisions", id="'x'", conversion_id="'c9'", where="conversion_id = 'c1'"),
    )
    yield Refused(
        "fk_decisions_contract_id", copied("decisions", id="'x'", revision="9", contract_id="'nothing'", retired_at=NOW)
    )
    yield Refused("fk_statements_contract_id", copied("statements", id="'x'", contract_id="'nothing'"))
    yield Refused(
        "fk_postings_statement_id",
        copied("postings", id="'x'", number="7", statement_id="'nothing'"),
        ("postings.in_open_period",),
    )
    for column in ("statement_id", "posting_id", "decision_id", "corrects"):
        yield Refused(f"fk_statement_lines_{column}", copied("statement_lines", id="'x'", **{column: "'nothing'"}))
    yield Refused("fk_deliveries_contract_id", copied("deliveries", id="'x'", contract_id="'nothing'"))
    yield Refused("fk_delivery_adjustments_contract_id", copied("delivery_adjustments", contract_id="'nothing'"))
    yield Refused("fk_list_versions_list_id", copied("list_versions", list_id="'nothing'"))


# A copied row has all its keys twice.
_OTHER_KEYS: dict[str, tuple[str, ...]] = {
    "deliveries": ("uq_deliveries_revision",),
    "contracts": ("uq_contracts_program_id_partner_id",),
    "statements": ("uq_statements_contract_id_period",),
    "postings": ("uq_postings_statement_id_number",),
    "accounting_closings": ("accounting_closings.later",),
    "decisions": ("uq_decisions_current", "uq_decisions_revision"),
    "reversals": ("reversals.add_up", "uq_reversals_conversion_id_program_id_id"),
    "approvals": (
        "approvals.fit",
        "uq_approvals_contract_version_id_approver",
        "uq_approvals_rule_version_id_approver",
    ),
}


def lives() -> Iterator[Refused]:
    """States that do not follow, approvals that are none, and changes of what was approved."""
    versions, rules = "contract_versions.guarded", "rule_versions.guarded"
    for model, guard, row in ((ContractVersion, versions, "acme/2"), (RuleVersion, rules, "acme/1/payout/2")):
        table = model.__tablename__
        for column in model.__table__.columns:
            if column.name == "retired_at":
                continue  # it may be said, once; what is said of it is held by checks
            yield Refused(guard, f"UPDATE {table} SET {column.name} = {_other(column)} WHERE id = '{row}'")
        yield Refused(guard, f"DELETE FROM {table} WHERE id = '{row}'")
    yield Refused(versions, _version(3, "retired_at = NULL, retired_by = NULL, retired_because = NULL"))
    yield Refused(versions, _version(3, f"{RETIRED}"))
    yield Refused(versions, _version(2, "replaced_by = 'acme/5'"))
    yield Refused(
        versions, _version(2, "state = 'draft', approved_by = NULL, recorded_at = NULL, in_force_from = NULL")
    )
    yield Refused(
        versions, "DELETE FROM contract_versions WHERE id = 'acme/6'", ("fk_rule_versions_contract_version_id",)
    )
    yield Refused(rules, "DELETE FROM rule_versions WHERE id = 'acme/1/payout/4'")
    yield Refused(rules, "DELETE FROM rule_versions WHERE id = 'acme/10/payout/1'")
    for number, changes in ((10, "value = 1"), (10, "params = '{\"a\": 1}'"), (10, "content_hash = 'x'"), (10, "approvals_needed = 2"), (5, "approvals_needed = 1"), (10, "editors = '{}'"), (10, "editors = editors || '{x}'::text[]"), (10, "effective_from = '2030-01-01'"), (10, "state = 'draft'"), (6, "editors = '{someone}', created_by = 'someone'"), (6, "created_by = 'someone'"), (6, "contract_id = 'globex'"), (6, "state = 'rejected', closed_because = 'no', " + CLOSED), (7, "state = 'submitted', closed_at = NULL, closed_by = NULL"), (7, "closed_because = 'another'"), (8, "state = 'draft', closed_at = NULL, closed_by = NULL"), (6, BY_EVE), (10, BY_EVE), (5, BY_SAM), (8, BY_EVE)):  # fmt: skip
        yield Refused(
            versions,
            _version(number, changes),
            ("ck_contract_versions_author_is_an_editor",) if "{}" in changes else (),
        )
    for number, changes in ((3, "body = '{}'"), (3, "hash = 'x'"), (3, "effective_from = '2027-01-07'"), (3, "state = 'draft'"), (3, BY_EVE), (4, BY_EVE), (4, "contract_version_id = 'acme/6'"), (4, "editors = '{someone}', created_by = 'someone'")):  # fmt: skip
        yield Refused(rules, _rule(number, changes), ("rule_versions.inside",))
    yield Refused(versions, copied("contract_versions", id="'acme/99'", number="99", where="id = 'acme/10'"))
    yield Refused(
        versions, copied("contract_versions", id="'acme/99'", number="99", state="'submitted'", where="id = 'acme/6'")
    )
    yield Refused(rules, copied("rule_versions", id="'x'", number="99", where="id = 'acme/1/payout/3'"))


def insides() -> Iterator[Refused]:
    """Rules outside their contract version, approvals by the wrong people, and rows that never change."""
    inside = "rule_versions.inside"
    yield Refused(inside, _rule(4, "effective_from = effective_from - interval '1 year'"))
    yield Refused(
        inside,
        copied(
            "rule_versions",
            id="'x'",
            number="99",
            contract_version_id="'acme/9'",
            created_at=NOW,
            where="id = 'acme/1/payout/4'",
        ),
    )
    yield Refused(
        inside,
        copied(
            "rule_versions",
            id="'x'",
            number="99",
            contract_version_id="'acme/10'",
            effective_from="'2028-01-01'",
            where="id = 'acme/1/payout/4'",
        ),
    )
    yield Refused(
        inside,
        copied("rule_versions", id="'x'", number="99", created_at="'2026-11-30'", where="id = 'acme/1/payout/4'"),
    )
    for start in ("effective_from", "timestamptz '2030-01-01'"):
        late = APPROVED.format(by="eve", at=NOW, start=start) + f", effective_from = {start}"
        parent = {"effective_from": 10, "timestamptz '2030-01-01'": 1}[start]
        row = "acme/10/payout/1" if parent == 10 else "acme/1/payout/3"
        yield Refused(inside, f"UPDATE rule_versions SET {late} WHERE id = '{row}'", ("rule_versions.guarded",))
    fit = "approvals.fit"
    for by in ("author", "clerk"):
        yield Refused(fit, _approval("acme/10", by))
    yield Refused(fit, _approval("acme/10", "eve", content="'other'"))
    for number in (1, 3, 6, 7, 8):
        yield Refused(fit, _approval(f"acme/{number}", "eve"))
    for by in ("author", "clerk"):
        yield Refused(fit, _approval("acme/1/payout/3", by))
    yield Refused(fit, _approval("acme/1/payout/3", "eve", content="'other'"))
    yield Refused(fit, _approval("acme/1/payout/4", "eve"))
    for changes in ({"number": "3"}, {"total": "21"}, {"value": "11"}):
        yield Refused("reversals.add_up", _second_reversal(**changes))
    for table in TABLES:
        if table not in ("contract_versions", "rule_versions"):
            guard = f"{table}.guarded" if table in ("decisions", "conversions") else f"{table}.never_changes"
            yield Refused(guard, f"DELETE FROM {table}", _REFERENCES.get(table, ()))
            column = _SOME_COLUMN[table]
            yield Refused(
                guard,
                f"UPDATE {table} SET {column} = 'x'",
                ("uq_approvals_contract_version_id_approver",) if table == "approvals" else (),
            )
        yield Refused(f"{table}.never_truncated", f"TRUNCATE {table} CASCADE", _TRUNCATED_TOO.get(table, ()))
    for change in (
        "amount = amount + 1",
        "record = '{}'",
        "event_at = event_at + interval '1 s'",
        "contract_id = 'globex'",
        "recorded_at = now()",
        "partner = 'globex'",
        "adds = '{}'",
        "reversals = 7",
        "duplicate_of = 'c2'",
        "correction = 7",
        "held_until = now()",
        "locks_at = now()",
        "retired_at = NULL",
    ):
        yield Refused("decisions.guarded", f"UPDATE decisions SET {change} WHERE conversion_id = 'c1'")
    for change in (
        "facts = '{}', corrections = 1",
        "order_id = 'other'",
        "customer_id = 'other', corrections = 2",
        "corrections = 1, order_id = 'other'",
    ):
        yield Refused("conversions.guarded", f"UPDATE conversions SET {change} WHERE id = 'c1'")


_SOME_COLUMN = {
    "contracts": "currency",
    "decisions": "digest",
    "saved_drafts": "saved_by",
    "approvals": "approver",
    "conversions": "body_hash",
    "touches": "id",
    "reversals": "reason",
    "corrections": "reason",
    "statements": "currency",
    "postings": "posted_by",
    "statement_lines": "rule",
    "accrual_lines": "rule",
    "accounting_closings": "closed_by",
    "named_lists": "description",
    "list_versions": "hash",
    "approval_policies": "created_by",
    "attribution_models": "created_by",
    "exchange_rates": "said_by",
    "deliveries": "body_hash",
    "delivery_adjustments": "body_hash",
}
_REFERENCES = {
    "contracts": (
        "fk_contract_versions_contract_id",
        "fk_decisions_contract_id",
        "fk_statements_contract_id",
        "fk_deliveries_contract_id",
        "fk_delivery_adjustments_contract_id",
        "fk_billing_runs_contract_id",
        "fk_proposed_statements_contract_id",
    ),
    "conversions": (
        "fk_decisions_program_id_conversion_id",
        "fk_touches_program_id_conversion_id",
        "fk_reversals_program_id_conversion_id",
        "fk_corrections_program_id_conversion_id",
    ),
    "decisions": ("fk_statement_lines_decision_id", "fk_accrual_lines_decision_id", "fk_proposed_lines_decision_id"),
    "statements": ("fk_postings_statement_id", "fk_statement_lines_statement_id", "fk_accrual_lines_statement_id"),
    "postings": ("fk_statement_lines_posting_id", "fk_accrual_lines_posting_id"),
    "named_lists": ("fk_list_versions_list_id",),
}
# What a truncation would take along has guards of its own.
_TRUNCATED_TOO = {
    "contracts": ("contract_versions", "rule_versions", "approvals", "decisions", "statements", "postings", "statement_lines", "accrual_lines", "billing_runs", "deliveries", "delivery_adjustments"),
    "contract_versions": ("rule_versions", "approvals"),
    "rule_versions": ("approvals",),
    "conversions": ("decisions", "statement_lines", "accrual_lines", "touches", "reversals", "corrections"),
    "decisions": ("statement_lines", "accrual_lines"),
    "statements": ("postings", "statement_lines", "accrual_lines"),
    "postings": ("statement_lines", "accrual_lines"),
    "named_lists": ("list_versions",),
}  # fmt: skip
_TRUNCATED_TOO = {table: tuple(f"{other}.never_truncated" for other in too) for table, too in _TRUNCATED_TOO.items()}


def _second_reversal(**columns: str) -> str:
    """Insert a second reversal of c2, by which 10 more of its 100 come back."""
    return copied("reversals", **{"number": "2", "id": "'x'", "total": "20", **columns})


def _approval(version: str, approver: str, content: str | None = None) -> str:
    column, table, hash_ = (
        ("rule_version_id", "rule_versions", "hash")
        if "payout" in version
        else ("contract_version_id", "contract_versions", "content_hash")
    )
    return (
        f"INSERT INTO approvals (id, {column}, approver, content_hash, approved_at)"
        f" SELECT 'x', id, '{approver}', {content or hash_}, {NOW} FROM {table} WHERE id = '{version}'"
    )


def _other(column: object) -> str:
    """Return an expression of another value than the one a column has."""
    name, kind = column.name, str(column.type)  # type: ignore[attr-defined]
    if "TIMESTAMP" in kind or kind == "DATETIME":
        return "timestamptz '1999-01-01'"
    by_kind = {
        "INTEGER": "4711",
        "BOOLEAN": f"NOT {name}",
        "NUMERIC": "4711",
        "JSONB": "'{\"x\": 1}'",
        "DATE": "date '1999-01-01'",
    }
    return "'{other}'::text[]" if "ARRAY" in kind else by_kind.get(kind, "'other'")


ROWS = [*checks(), *keys(), *lives(), *insides(), *runs(), *of_lines()]
