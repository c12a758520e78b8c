"""What a payout pays for an example, by the engine, and where the limits of two payouts leave different amounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.analysis.idle_limits import tighter
from app.core.money import ZERO, minus, total
from app.engine.counters import Counter, counters_of, limit_counter
from app.engine.decision import Outcome
from app.engine.matcher import Facts
from app.engine.payout.lines import chosen, pay
from app.engine.terms import Contract
from app.rulelang.ast import Limit, Payout
from app.rulelang.printer import formula_text, money_text

# Currency and zone are the contract's, which is not known here; a difference in cents is one in every currency's units.
_CONTRACT = Contract("example", "example", "example", "USD", ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Payment:
    """What is paid for one conversion, the outcome, and both in words; nothing is paid where it is not rated."""

    amount: Decimal
    words: str
    outcome: Outcome = "rated"


def payment(
    payout: Payout, matched: frozenset[str], facts: Facts, already: Mapping[Counter, Decimal] | None = None
) -> Payment:
    """Return what a payout pays when these rules match; counters are at zero but for what is there `already`."""
    before = dict.fromkeys(counters_of(payout), ZERO) | dict(already or {})
    outcome, reasons, lines = pay(payout, _CONTRACT, matched, facts, before)
    if outcome != "rated":
        why = ", ".join(" ".join(filter(None, (r.code, r.fact or r.expected))) for r in reasons)
        return Payment(ZERO, f"{outcome} as {why}", outcome)
    amount, rules = total(line.amount for line in lines), chosen(payout, matched)
    assert isinstance(rules, list)
    how = " plus ".join(formula_text(formula) for _, formula in rules)
    cut = f", cut by {' and '.join(str(reason.rule) for reason in reasons)}" if reasons else ""
    return Payment(amount, f"paid {money_text(amount)}: {how}{cut}")


def unlike_limits(old: Payout, new: Payout) -> Iterator[dict[Counter, Decimal]]:
    """Yield what may be in the counters of two payouts that shows their limits to leave different amounts: all of a
    maximum, all but one, nothing. Yield nothing where the limits are alike."""
    if _kept(old) == _kept(new):
        return
    counters = counters_of(old) | counters_of(new)
    for limit in sorted((*old.limits, *new.limits), key=lambda each: each.max):
        same = [each for each in counters if each.is_of_limits and _span(each) == _span(limit_counter(limit))]
        for reached in (limit.max, minus(limit.max, Decimal(1)), ZERO):
            if reached >= 0:
                yield dict.fromkeys(same, reached)


def _span(counter: Counter | None) -> Counter | None:
    """Return a counter without the limit whose fallback it leaves out."""
    return None if counter is None else replace(counter, limit="")


def _kept(payout: Payout) -> list[Limit]:
    """Return the limits that make a difference, by what they say. Where all of them cut, their order makes none."""
    kept = [replace(each, id="", pointer="") for each in payout.limits if tighter(each, payout.limits) is None]
    return sorted(kept, key=repr) if all(each.over == "partial" for each in kept) else kept
