"""Touches of one partner add up, and a partner that is not eligible forfeits its share or is passed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.engine.attribution.crediting import PartnerShare, Split, split
from app.engine.attribution.program_model import NotEligible, ProgramModel
from app.engine.factsheet import Touch

START = datetime(1997, 7, 1, tzinfo=UTC)
LINEAR = ProgramModel("linear")
POLICIES: tuple[NotEligible, ...] = ("forfeit", "reassign")


def touches(partners: str) -> list[Touch]:
    return [Touch(f"t{n}", name, "click", START + timedelta(days=n), {}) for n, name in enumerate(partners)]


def test_touches_of_one_partner_add_up() -> None:
    found = split(touches("aba"), LINEAR, {"a", "b"}, "forfeit")
    assert found.credited == (
        PartnerShare("a", Fraction(2, 3), ("t0", "t2")),
        PartnerShare("b", Fraction(1, 3), ("t1",)),
    )


def test_forfeit_pays_a_share_to_nobody() -> None:
    assert split(touches("ab"), ProgramModel(), {"a"}, "forfeit") == Split(
        (), (PartnerShare("b", Fraction(1), ("t1",)),)
    )


def test_reassign_decides_again_without_it() -> None:
    assert split(touches("ab"), ProgramModel(), {"a"}, "reassign") == Split((PartnerShare("a", Fraction(1), ("t0",)),))


def test_a_click_that_is_passed_over_does_not_hold_views_back() -> None:
    view, click = Touch("v", "a", "view", START, {}), Touch("k", "b", "click", START, {})
    prefers = ProgramModel(prefers_clicks=True)
    assert split([view, click], prefers, {"a"}, "reassign").credited == (PartnerShare("a", Fraction(1), ("v",)),)
    assert split([view, click], prefers, {"a"}, "forfeit").credited == ()


@given(st.text("abc", min_size=1, max_size=6), st.sets(st.sampled_from("abc")), st.sampled_from(POLICIES))
def test_credited_and_forfeited_are_one(partners: str, eligible: set[str], policy: NotEligible) -> None:
    found = split(touches(partners), LINEAR, eligible, policy)
    whole = sum((each.share for each in (*found.credited, *found.forfeited)), Fraction(0))
    nobody = policy == "reassign" and not eligible & set(partners)
    assert whole == (0 if nobody else 1)
    assert {each.partner for each in found.credited} == eligible & set(partners)
    assert policy == "forfeit" or not found.forfeited
