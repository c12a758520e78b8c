"""What a payout pays for an example, by the engine, and where the limits of two payouts leave different amounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.money import ZERO, total
from app.engine.counters import Counter, counters_of, limit_counter
from app.engine.matcher import Facts
from app.engine.payout.lines import chosen, pay
from app.engine.terms import Contract
from app.rulelang.ast import Payout
from app.rulelang.printer import formula_text, money_text

# Currency and zone are the contract's, which is not known here; a difference in cents is one in every currency's units.
_CONTRACT = Contract("example", "example", "example", "USD", ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Payment:
    """What is paid for one conversion, and it in words; nothing where it is held."""

    amount: Decimal
    words: str


def payment(
    payout: Payout, matched: frozenset[str], facts: Facts, already: Mapping[Counter, Decimal] | None = None
) -> Payment:
    """Return what a payout pays when these rules match; counters are at zero but for what is there `already`."""
    before = dict.fromkeys(counters_of(payout), ZERO) | dict(already or {})
    outcome, reasons, lines = pay(payout, _CONTRACT, matched, facts, before)
    if outcome == "held":
        return Payment(ZERO, "held as " + ", ".join(" ".join(filter(None, (r.code, r.fact))) for r in reasons))
    amount, rules = total(line.amount for line in lines), chosen(payout, matched)
    assert isinstance(rules, list)
    how = " plus ".join(formula_text(formula) for _, formula in rules)
    cut = f", cut by {' and '.join(str(reason.rule) for reason in reasons)}" if reasons else ""
    return Payment(amount, f"paid {money_text(amount)}: {how}{cut}")


def unlike_limits(old: Payout, new: Payout) -> Iterator[tuple[Counter | None, Decimal]]:
    """Yield each counter on which two payouts leave different amounts, and the lower of the two maxima; None stands for
    what limits leave of one conversion by itself."""
    before, after = _tightest(old), _tightest(new)
    for counter in dict.fromkeys([*before, *after]):
        if before.get(counter) != after.get(counter):
            yield counter, min(most for most in (before.get(counter), after.get(counter)) if most is not None)


def _tightest(payout: Payout) -> dict[Counter | None, Decimal]:
    most: dict[Counter | None, Decimal] = {}
    for limit in payout.limits:
        counter = limit_counter(limit.measure, limit.window, limit.per)
        most[counter] = min(limit.max, most.get(counter, limit.max))
    return most
