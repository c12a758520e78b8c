"""Read this first: everything the analysis finds in one rule set, each with a witness."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

from app.analysis.findings import Analysed
from app.analysis.hits import gap, overlaps
from app.analysis.idle_limits import idle_limits
from app.analysis.not_carried import facts_never_carried, values_never_carried
from app.analysis.questions import Budget
from app.analysis.setting import Setting
from app.analysis.tier_totals import falling_totals
from app.analysis.unreachable import unreachable
from app.rulelang.ast import Attribution, Payout, conditions_of, fact_of, formulas_of
from app.rulelang.facts import Catalogue
from app.rulelang.ruleset import RuleSet

ONE_AT_A_TIME = threading.Lock()
"""A question can keep a core busy for a second; a server with many threads has better things to do with the others."""

UTC = ZoneInfo("UTC")


def analyse(
    rules: RuleSet, catalogue: Catalogue, timezone: ZoneInfo = UTC, budget: Budget | None = None
) -> list[Analysed]:
    """Return what is found, in the order of the rules. Nothing of it is a guess: what took too long is `not_decided`.

    Findings hold in every time zone; `timezone` is the one in which the examples have their dates and hours.
    """
    body = rules.body
    if isinstance(body, Attribution):
        return []
    if isinstance(body, Payout) and body.on == "delivery":
        # Examples are conversions, so nothing is asked about what deliveries carry.
        return falling_totals(body, catalogue) + idle_limits(body)
    setting = Setting(catalogue, timezone, budget or Budget())
    with ONE_AT_A_TIME:
        calculated = frozenset(fact for formula in formulas_of(body) if (fact := fact_of(formula)) is not None)
        questions = setting.questions(dict(conditions_of(body)), calculated)
        findings = facts_never_carried(body, questions, setting) + values_never_carried(body, questions, setting)
        findings += unreachable(body, questions, setting) + gap(body, questions)
        if isinstance(body, Payout):
            findings += overlaps(body, questions) + falling_totals(body, catalogue) + idle_limits(body)
    return findings
