"""Ids: derived ones are a function of their parts and of where one part ends, secrets never repeat."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.ids import derived_id, random_secret, random_text

parts = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f"), max_size=5), min_size=1)


@given(parts, parts)
@settings(deadline=None)
def test_two_lists_of_parts_share_an_id_only_if_they_are_equal(one: list[str], other: list[str]) -> None:
    assert (derived_id("dec", *one) == derived_id("dec", *other)) == (one == other)


def test_a_derived_id_stays_what_it_is() -> None:
    # printf 'cdnow\x1fc1\x1f1' | sha256sum
    assert derived_id("dec", "cdnow", "c1", "1") == "dec_1e4a499c9039ea01460089d8"


def test_a_part_that_holds_the_separator_is_a_fault() -> None:
    with pytest.raises(AssertionError, match="separator"):
        derived_id("dec", "a\x1fb", "c")


def test_secrets_are_long_url_safe_and_never_the_same() -> None:
    secrets = {random_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_texts_drawn_by_chance_have_their_length_and_use_all_their_letters() -> None:
    drawn = [random_text("abc", 20) for _ in range(100)]
    assert len(set(drawn)) == 100
    assert {len(text) for text in drawn} == {20}
    assert set("".join(drawn)) == set("abc")
