"""The generated suite, as long as an ordinary run plays it, catches each kind of fault in each compiler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlglot import exp

from app.adapters.durable_codec import ENCODERS, GUARD, SetCodec
from app.bulk import conditions as bulk
from app.rulelang import compiler
from app.rulelang.ast import Leaf
from app.rulelang.compiler import Check
from tests.builders.engine_rounds import play
from tests.matchers.test_generated import SEED, VERDICTS

Patch = pytest.MonkeyPatch


def checks(changed: Callable[[Check], Check]) -> Callable[[Patch], None]:
    """Change every check of the normal form."""
    original = compiler._check_of

    def check_of(leaf: Leaf, negated: bool) -> Any:
        check = original(leaf, negated)
        return changed(check) if isinstance(check, Check) and check.expected else check

    return lambda patch: patch.setattr(compiler, "_check_of", check_of)


def one_more(check: Check) -> Check:
    return replace(check, expected=tuple(each + 1 if type(each) is int else each for each in check.expected))


def definitions(op: str, instead: str) -> Callable[[Patch], None]:
    """Send durable another operator."""
    original = SetCodec._defined

    def defined(self: SetCodec, chains: Any) -> Any:
        return orjson.loads(orjson.dumps(original(self, chains)).replace(op.encode(), instead.encode()))

    return lambda patch: patch.setattr(SetCodec, "_defined", defined)


def comparisons_one_off(patch: Patch) -> None:
    """Off by one in what rules compare with, and not in what facts are."""
    original = SetCodec._comparison

    def comparison(self: SetCodec, check: Check) -> Any:
        with Patch.context() as inner:
            inner.setitem(ENCODERS, "integer", lambda value: value + 1)
            yield from list(original(self, check))

    patch.setattr(SetCodec, "_comparison", comparison)


def literals_one_off(patch: Patch) -> None:
    original = bulk.literal

    def literal(kind: str, value: Any) -> exp.Expr:
        return original(kind, value - 1 if kind == "integer" and value > 1 - 2**62 else value)

    patch.setattr(bulk, "literal", literal)


def unguarded(test: exp.Expr, absent: Any, if_absent: bool, *, negated: bool) -> exp.Expr:
    return exp.Paren(this=exp.Not(this=exp.Paren(this=test)) if negated else test)


FAULTS: dict[str, Callable[[Patch], None]] = {
    "normal form: gte becomes gt": checks(lambda check: replace(check, op="gt") if check.op == "gte" else check),
    "normal form: an absent fact never matches": checks(lambda check: replace(check, if_absent=False)),
    "normal form: integers are one off": checks(one_more),
    "durable: lte becomes lt": definitions('"$lte"', '"$lt"'),
    "durable: an absent fact never matches": lambda patch: patch.setattr(
        SetCodec, "_absent", lambda self, check: {GUARD: 0}
    ),
    "durable: integers are one off": comparisons_one_off,
    "bulk: lt becomes lte": lambda patch: patch.setitem(bulk.TESTS, "lt", bulk.TESTS["lte"]),
    "bulk: the answer for an absent fact is dropped": lambda patch: patch.setattr(bulk, "two_valued", unguarded),
    "bulk: integers are one off": literals_one_off,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_generated_suite_catches(fault: str, monkeypatch: Patch) -> None:
    FAULTS[fault](monkeypatch)
    report = play(SEED, VERDICTS)
    assert report.disagreements, f"{report.line()} in spite of a fault: {fault}"
    assert "once more: pytest" in report.first
