"""Reading documents: every mistake with its line, all at once, and nothing that harms."""

from __future__ import annotations

import pytest

from app.adapters.yaml_files import MalformedYaml
from app.contract_files.document import document_data, document_text
from app.contract_files.errors import DocumentMalformed
from tests.builders.documents import read
from tests.contract_files.test_plan import PROMOTION, TEXT, changed


def refused(text: str) -> list[str]:
    """Return the lines of a refusal, without the name of the file."""
    with pytest.raises(DocumentMalformed) as error:
        read(text)
    return [line.removeprefix("contract.yaml:") for line in error.value.message.splitlines()]


def test_what_is_left_out_is_what_it_is_mostly() -> None:
    data = document_data(read(TEXT + PROMOTION))
    assert data["contract"] == {
        "id": "acme",
        "direction": "payable",
        "currency": "USD",
        "timezone": "America/New_York",
        "rounding": "half_away",
    }
    kinds = [version["kind"] for version in data["versions"]]
    assert kinds == ["initial", "amendment", "promotion", "restoration"]


def test_a_start_where_the_term_before_ends_is_a_renewal_and_one_after_a_termination_a_reinstatement() -> None:
    text = changed(
        '  - effective_from: "2030-01-01"\n', '  - effective_from: "2030-01-01"\n    ends_on: "2031-01-01"\n'
    )
    assert [version.kind for version in read(text).versions] == ["initial", "renewal"]
    body = TEXT[TEXT.index("    rules: &rules") : TEXT.index('  - effective_from: "2031')].replace(" &rules", "")
    ended = TEXT + '  - {effective_from: "2032-01-01", kind: termination}\n  - effective_from: "2033-01-01"\n' + body
    assert [version.kind for version in read(ended).versions] == [
        "initial",
        "amendment",
        "termination",
        "reinstatement",
    ]


def test_a_start_is_read_in_the_zone_of_the_contract_and_written_as_a_day_where_it_begins_one() -> None:
    text = changed('"2030-01-01"', '"2030-01-01T05:00:00Z"')
    assert document_text(read(text)) == document_text(read(TEXT))
    berlin = changed("contract: {id: acme}", "contract: {id: acme, timezone: Europe/Berlin}", text)
    assert 'effective_from: "2030-01-01T06:00:00+01:00"' in document_text(read(berlin))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("format: 1", "format: 2", "1: /format: expected 1"),
        ("format: 1", "format: 1.0", "1: /format: expected 1"),
        ("format: 1", "formal: 1", "1: /formal: unknown key"),
        ("currency: USD", "curency: USD", "2: /program/curency: unknown key"),
        ("timezone: America/New_York", "timezone: America/Old_York", "2: /program/timezone: 'America/Old_York' is no"),
        ("partner: {id: acme}", "partner: {id: a b}", "3: /partner/id: an id has"),
        ("type: text", "type: words", "5: /lists/codes/type: expected one of"),
        ("[[GOLD]]", "[]", "5: /lists/codes/versions: a list has at least one version"),
        ("[[GOLD]]", "[[]]", "5: /lists/codes/versions/0: a list has 1 to"),
        ("[[GOLD]]", "[[GOLD], [GOLD]]", "5: /lists/codes/versions/1: the same members"),
        ("[[GOLD]]", "[[1.5]]", "5: /lists/codes/versions/0/0: "),
        ("codes: {", "other: {", "10: /versions/0/rules/eligibility: the rules name the list 'codes', which is not"),
        ('"2030-01-01"', '"1 January"', "8: /versions/0/effective_from: a start is a date"),
        ('"2030-01-01"', "2030", "8: /versions/0/effective_from: a start is a date"),
        ('"2030-01-01"', '"2031-01-01"', "15: /versions/1/effective_from: two versions have one start"),
        ('"2030-01-01"', '"2032-01-01"', "15: /versions/1/effective_from: versions stand in order"),
        ('"2030-01-01"', '"2031-01-01T05:00:00Z"', "15: /versions/1/effective_from: two versions have one start"),
        ("reason: The second year", "value: 5.5", "16: /versions/1/value: "),
        ("reason: The second year", 'value: "-1"', "16: /versions/1/value: a contract's value"),
        ("reason: The second year", "kind: expiry", "16: /versions/1/kind: expected one of"),
        ("reason: The second year", "kind: termination", "17: /versions/1/rules: a termination has no rules"),
        ("reason: The second year", "renewal: {mode: fixed}", "16: /versions/1/renewal: a fixed renewal says"),
        ("reason: The second year", 'until: "2031-02-01"', "16: /versions/1/until: only a promotion"),
        ("reason: The second year", "state: approved", "16: /versions/1/state: unknown key"),
        ("reason: The second year", "params: [5]", "16: /versions/1/params: expected values by name"),
        (
            "      eligibility: {rules: [], otherwise: accept}\n",
            "",
            "17: /versions/1/rules: the rules of a version needs",
        ),
        ("eligibility: {rules: [], otherwise: accept}", "eligibility: []", "18: /versions/1/rules/eligibility: 1 to"),
        (
            "eligibility: {rules: [], otherwise: accept}",
            "eligibility: yes",
            "18: /versions/1/rules/eligibility: expected",
        ),
        (
            "eligibility: {rules: [], otherwise: accept}",
            "eligibility: [{body: {}}]",
            "18: /versions/1/rules/eligibility/0: ",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(old: str, new: str, line: str) -> None:
    assert any(found.startswith(line) for found in refused(changed(old, new))), refused(changed(old, new))


def test_all_mistakes_are_named_at_once() -> None:
    text = (
        TEXT.replace("currency: USD", "currency: 5").replace("reason: The", "raison: The").replace("[[GOLD]]", "[GOLD]")
    )
    assert [found.split(":")[0] for found in refused(text)] == ["2", "5", "16"]


def test_a_promotion_that_says_until_when_is_followed_by_its_restoration() -> None:
    for text in (
        TEXT + PROMOTION.replace('until: "2031-07-08"', 'until: "2031-07-09"'),
        TEXT + PROMOTION.replace("kind: restoration", "kind: amendment"),
        TEXT + PROMOTION[: PROMOTION.index('  - effective_from: "2031-07-08"')],
    ):
        assert any("/versions/2/until: after a promotion" in line for line in refused(text))


def test_lists_are_pinned_by_number_in_dated_rules() -> None:
    body = TEXT[TEXT.index("rules: [{id: listed") : TEXT.index("\n      attribution")].replace(
        "\n        otherwise", ", otherwise"
    )
    block = TEXT[TEXT.index("      eligibility:\n") : TEXT.index("      attribution: {claims: accept}\n")]
    dated = '      eligibility: [{effective_from: "2030-01-01", lists: {codes: %s}, body: {' + body + "}}]\n"
    grown = TEXT.replace("[[GOLD]]", "[[GOLD], [SILVER]]")
    assert "lists: {codes: 1}" in document_text(read(grown.replace(block, dated % 1)))
    assert "lists: {codes" not in document_text(read(grown.replace(block, dated % 2)))
    for wrong in ("3", "0", "true", '"1"'):
        (line,) = refused(grown.replace(block, dated % wrong))
        assert "/versions/0/rules/eligibility/0/lists/codes: expected the number of a version of codes, 1 to 2" in line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "format: 1\nformat: 1",
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "a: &a {b: *a}",
        "[" * 5000,
        "{a: " * 5000,
        "format: !!python/object/apply:os.system [ls]",
        "format: 1\n\tprogram: 5",
        "<<: {format: 1}",
        "program: " + "9" * 9000,
        "\ud800",
        'x: "\\0"',
    ],
)
def test_hostile_files_are_refused(text: str) -> None:
    with pytest.raises((DocumentMalformed, MalformedYaml), match=r"^contract\.yaml:\d+: "):
        read(text)


def test_more_versions_than_a_contract_has_are_refused_at_once() -> None:
    start = TEXT.index("versions:\n  - ")
    many = TEXT[:start] + "versions: [" + "{}, " * 2000 + "]\n"
    assert refused(many) == ["7: /versions: 2000 members; at most 1,000 are allowed"]


def test_a_thousand_mistakes_are_not_all_named() -> None:
    start = TEXT.index("versions:\n  - ")
    found = refused(TEXT[:start] + "versions: [" + "{}, " * 900 + "]\n")
    assert len(found) == 101
    assert "more than 100 defects" in found[-1]
