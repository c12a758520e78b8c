"""The benchmarks run, and every engine in them gives the same answers. How fast they are is measured by hand."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import (
    audit_chain,
    billing_at_scale,
    bulk_conditions,
    engines,
    footprint,
    impressions_at_scale,
    large_sets,
    measuring,
)


def test_our_engines_agree_on_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    engines.main(["--quick", "--without-peers"])
    printed = capsys.readouterr().out
    assert {"durable, verify: off", "durable, verify: always", "reference"} <= _names(printed)
    assert "| 12 | whole decision" in printed


def test_the_peers_agree_on_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    for peer in ("zen", "rule_engine"):
        pytest.importorskip(peer, reason=f"{peer} is in the bench extra")
    from tests.benchmarks import peers

    engines.main(["--quick"])
    expected = {peers.ZEN, peers.ZEN_PRELOADED, peers.ZEN_BATCH, peers.RULE_ENGINE, engines.ZEN_FIRST}
    assert expected <= _names(capsys.readouterr().out)


def test_answers_that_differ_are_not_timed() -> None:
    answers = {
        "reference": lambda: [frozenset({"row-1"}), frozenset[str]()],
        "other": lambda: [frozenset({"row-2"})] * 2,
    }
    with pytest.raises(AssertionError, match="other gives other answers"):
        engines._assert_same(answers)


def test_large_sets_run(capsys: pytest.CaptureFixture[str]) -> None:
    large_sets.main(["--quick"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| 300 |")]
    assert len(rows) == 2
    assert all(int(row.split("|")[2]) > 1 for row in rows), "300 rules are more than one engine set holds"


def test_bulk_agrees_on_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    bulk_conditions.main(["--quick"])
    assert {bulk_conditions.BULK, "durable, verify: off", "durable, verify: always"} <= _names(capsys.readouterr().out)


def test_the_footprint_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    footprint.main(["--quick"])
    assert "| memory of the compiled rules |" in capsys.readouterr().out


def test_a_trail_is_written_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    audit_chain.main(["--quick"])
    assert {"5,000", "1", "8"} <= _names(capsys.readouterr().out)


def test_billing_at_scale_comes_to_the_same_statements(capsys: pytest.CaptureFixture[str]) -> None:
    engines_asked = (billing_at_scale.HAND_WRITTEN, billing_at_scale.BULK, billing_at_scale.DURABLE)
    billing_at_scale.main(["--quick", "--engines", *engines_asked])
    printed = capsys.readouterr().out
    assert {"500", "1,000", "500 of a sample", billing_at_scale.HAND_WRITTEN, billing_at_scale.BULK} <= _names(printed)


def test_ratios_are_taken_within_a_round() -> None:
    # The second round is ten times as slow for both, the third for one of the two.
    times = {"a": [3.0, 30.0, 30.0], "b": [1.0, 10.0, 1.0]}
    assert measuring.ratio(times, "a", "b") == 3.0


def test_a_section_of_the_document_is_replaced_and_nothing_else(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    document = tmp_path / "benchmarks.md"
    document.write_text("before\n<!-- speed: made by the command below -->\nold\n<!-- end of speed -->\nafter\n")
    monkeypatch.setattr(measuring, "DOCUMENT", document)
    measuring.publish("speed", "new", write=True)
    assert (
        document.read_text() == "before\n<!-- speed: made by the command below -->\nnew\n<!-- end of speed -->\nafter\n"
    )


def _names(printed: str) -> set[str]:
    return {line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("|")}


def test_copies_of_real_impressions_come_to_what_is_worked_out(capsys: pytest.CaptureFixture[str]) -> None:
    impressions_at_scale.main(["--copies", "2"])
    found = json.loads(capsys.readouterr().out)
    assert (found["impressions"], found["contracts"], found["statements"]) == (120_000, 4, 8)
