"""Findings and JSON Pointers: where a defect stands, also when its document is part of another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import AppError, Finding, pointer_of


# RFC 6901, section 5.
@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ([], ""), (["foo"], "/foo"), (["foo", 0], "/foo/0"), ([""], "/"), (["a/b"], "/a~1b"), (["c%d"], "/c%d"),
        (["e^f"], "/e^f"), (["g|h"], "/g|h"), (["i\\j"], "/i\\j"), (['k"l'], '/k"l'), ([" "], "/ "), (["m~n"], "/m~0n"),
    ],
)  # fmt: skip
def test_the_pointers_of_the_rfc(parts: list[str | int], pointer: str) -> None:
    assert pointer_of(*parts) == pointer


@given(st.lists(st.text()))
@settings(deadline=None)
def test_a_pointer_leads_back_to_its_parts(parts: list[str]) -> None:
    read = [part.replace("~1", "/").replace("~0", "~") for part in pointer_of(*parts).split("/")[1:]]
    assert read == parts


def test_a_finding_is_seen_from_the_document_around_it() -> None:
    finding = Finding("wrong_type", "expected text", "/id", "write it in quotes", "warning")
    assert finding.at("/rules/0") == Finding(
        "wrong_type", "expected text", "/rules/0/id", "write it in quotes", "warning"
    )
    assert finding.at("") == finding


def test_a_finding_as_data_leaves_out_what_is_not_known() -> None:
    shown = {"code": "wrong_type", "severity": "error", "pointer": "", "message": "expected text"}
    assert Finding("wrong_type", "expected text").as_dict() == shown
    assert Finding("wrong_type", "expected text", hint="quote it").as_dict() == shown | {"hint": "quote it"}


def test_a_refusal_says_its_message_and_keeps_what_belongs_to_it() -> None:
    findings = [Finding("wrong_type", "expected text")]
    error = AppError("It is refused.", findings, contract="acme")
    findings.clear()
    assert (str(error), error.kind, len(error.findings), error.details) == (
        "It is refused.",
        "fault",
        1,
        {"contract": "acme"},
    )
