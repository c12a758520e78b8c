"""Addresses of the rulesets room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.analysis.analyse import analyse
from app.analysis.difference import KindsDiffer, difference
from app.analysis.findings import Analysed, blocking
from app.analysis.shown import difference_data
from app.core.as_of import read_as_of
from app.core.instants import write_instant
from app.rulelang.bindings import Bindings
from app.rulelang.diagnostics import RulesRefused
from app.rulelang.printer import body_lines
from app.rulelang.ruleset import check_rules, rules_from
from app.rulelang.table import table_of
from app.rulesets.errors import ListExists, ListNotFound, ListRefused, QuoteRefused
from app.rulesets.newest import newest_lists
from app.rulesets.operations.price_quote import price_quote
from app.rulesets.operations.publish_list import publish_list, publish_list_version
from app.rulesets.repository import list_named, lists_after, newest_version, version_of_list
from app.rulesets.schemas import (
    ListShown,
    ListSummary,
    NewList,
    NewListVersion,
    NewQuote,
    QuoteShown,
    RuleBody,
    RulesChecked,
    RulesCompared,
    RulesPair,
)
from app.runtime import Context
from app.store.models import ListVersion, NamedList
from app.web.as_of import AsOf, PageAsOf
from app.web.blueprint import Room
from app.web.body import MAX_BODY
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("rules", __name__, "Rule bodies, checked without storing them, and the named lists that rules use.")
# 10,000 members of 50 characters. To refuse a list that is wrong at its end may take a little longer than 50 ms.
MAX_LIST_BODY = 4 * MAX_BODY
EXAMPLE = {
    "kind": "payout",
    "on": "conversion",
    "hit": "first",
    "rules": [{"id": "base", "when": {"always": True}, "then": {"percent": "6", "of": "order_value"}}],
    "otherwise": {"flat": "0"},
}
NEWER = {**EXAMPLE, "rules": [{"id": "base", "when": {"always": True}, "then": {"percent": "7", "of": "order_value"}}]}


@routes.writes(
    "/rules/check", needs="preview", takes=RuleBody, whole="body", shows=RulesChecked, example=EXAMPLE, once="needless"
)
def check_rule_body(ctx: Context, body: Any) -> dict[str, Any]:
    """Check a rule body and read it back as text and as a table.

    The request's body is the rule body itself, and nothing is stored. All defects are reported at once, each with a
    JSON Pointer and, where we can guess what was meant, a hint. A body with defects is answered with 200 and
    `ok: false`: the check has worked.

    Rules that can be read are analysed as well: what never matches, overlaps, leaves a gap or pays less for more is
    found and shown by an example conversion (`witness`) that the reference evaluator has confirmed.

    Named lists are read as they are now. Parameters, and facts that a program declares, belong to contracts: check rules
    that use them as a draft, with GET /v1/contracts/{contract}/versions/{number}/check.
    """
    bindings = Bindings(lists=newest_lists(ctx.session, [body]).lists)
    rules, findings = check_rules(body, ctx.catalogue, bindings=bindings)
    found = [Analysed(finding) for finding in findings] + (analyse(rules, ctx.catalogue) if rules else [])
    return {
        "ok": not blocking(found),
        "hash": rules and rules.hash,
        "findings": [analysed.as_dict() for analysed in found],
        "in_words": body_lines(rules.body) if rules else [],
        "table": table_of(rules.body).as_dict() if rules else None,
    }


@routes.writes(
    "/rules/compare",
    needs="preview",
    takes=RulesPair,
    shows=RulesCompared,
    refuses=(RulesRefused, KindsDiffer),
    once="needless",
    example={"old": EXAMPLE, "new": NEWER},
)
def compare_rule_bodies(ctx: Context, old: Any, new: Any) -> dict[str, Any]:
    """Tell whether two rule bodies decide every conversion alike.

    Nothing is stored. The answer is yes, or a conversion that they decide differently, with what each makes of it. It
    is about what is decided: ids and names of rules, and their order where it does not matter, may differ.
    """
    bindings = Bindings(lists=newest_lists(ctx.session, [old, new]).lists)
    before, after = (rules_from(body, ctx.catalogue, at, bindings) for at, body in (("/old", old), ("/new", new)))
    return difference_data(difference(before, after, ctx.catalogue))


@routes.writes(
    "/quotes",
    needs="preview",
    takes=NewQuote,
    whole="body",
    shows=QuoteShown,
    refuses=(QuoteRefused,),
    once="needless",
    example={
        "formula": {"package": {"size": "10", "amount": "100", "free": "200"}, "of": "quantity"},
        "facts": {"quantity": "221"},
    },
)
def quote_formula(ctx: Context, body: Any) -> dict[str, Any]:
    """Price a formula and show how it was calculated.

    Any formula a payout may have, for facts of any name; nothing is stored, and no contract is needed. A numeric string
    (or a whole number) is a decimal. Where tiers run over a window, `before` says what it held: how many conversions, and
    the sum of what is summed.
    """
    priced = price_quote(body)
    return {**({"id": body["id"]} if "id" in body else {}), **priced.with_steps()}


@routes.writes(
    "/lists",
    needs="configure",
    takes=NewList,
    shows=ListShown,
    status=201,
    refuses=(ListExists, ListRefused),
    most=MAX_LIST_BODY,
    location="/v1/lists/{id}",
    tagged=True,
    leads_to=Leads("show_list", "add_list_version", list="/id"),
)
def add_list(ctx: Context, **body: Any) -> dict[str, Any]:
    """Publish a named list.

    Rules name it where they want one of many values: `{"fact": "coupon_code", "op": "in", "value": {"list":
    "vip_codes"}}`. An approval pins them to the version that is the newest then; later versions do not change what was
    approved.
    """
    return _list_data(*publish_list(ctx, **body))


@routes.writes(
    "/lists/<identifier:list>/versions",
    needs="configure",
    takes=NewListVersion,
    shows=ListShown,
    status=201,
    refuses=(ListNotFound, ListRefused),
    most=MAX_LIST_BODY,
    location="/v1/lists/{id}/versions/{version}",
    once="required",
    tagged=True,
    leads_to=Leads("show_list_version", list="/id", number="/version"),
)
def add_list_version(ctx: Context, list: str, **body: Any) -> dict[str, Any]:
    """Publish a new version of a list.

    All members are sent. Rules in force keep the version they were approved with; to give them this one, approve a new
    rule version. The same members as before are answered with the version there is.
    """
    return _list_data(*publish_list_version(ctx, list=list, **body))


@routes.lists("/lists", needs="read", query=PageAsOf, shows=ListSummary, cursor=lambda row: (row.id,))
def list_lists(ctx: Context, page: Page, as_of: datetime | None = None) -> Sequence[NamedList]:
    """List the named lists in order of name, without their members."""
    return lists_after(ctx.session, page.after_id, page.fetch, read_as_of(as_of, ctx.now()))


@routes.reads(
    "/lists/<identifier:list>", needs="read", shows=ListShown, query=AsOf, refuses=(ListNotFound,), tagged=True
)
def show_list(ctx: Context, list: str, as_of: datetime | None = None) -> dict[str, Any]:
    """Show a list in its newest version, or the newest at an earlier time."""
    known_at = read_as_of(as_of, ctx.now())
    row = list_named(ctx.session, list, as_of=known_at)
    return _list_data(row, newest_version(ctx.session, list, known_at))


@routes.reads(
    "/lists/<identifier:list>/versions/<number:number>",
    needs="read",
    query=AsOf,
    shows=ListShown,
    refuses=(ListNotFound,),
    tagged=True,
)
def show_list_version(ctx: Context, list: str, number: int, as_of: datetime | None = None) -> dict[str, Any]:
    """Show one version of a list."""
    known_at = read_as_of(as_of, ctx.now())
    row = list_named(ctx.session, list, as_of=known_at)
    return _list_data(row, version_of_list(ctx.session, list, number, known_at))


def _list_data(row: NamedList, version: ListVersion) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "description": row.description,
        "created_by": row.created_by,
        "created_at": write_instant(row.created_at),
        "version": version.number,
        "hash": version.hash,
        "count": len(version.members),
        "members": version.members,
        "published_by": version.created_by,
        "published_at": write_instant(version.created_at),
    }
