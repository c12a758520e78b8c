"""Strict YAML: words stay words, numbers are JSON's, and no file hangs, recurses or goes on silently."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.yaml_files import MAX_REPEATED, Document, MalformedYaml, parse_yaml, read_yaml
from app.core.json_text import MAX_DEPTH, JsonFloat

ROOT = Path(__file__).parents[2]
FILE = Path("rules.yaml")


def read(text: str) -> Any:
    """Return the data of a text."""
    return parse_yaml(text, FILE).data


def refusal(text: str) -> str:
    """Return the message with which a text is refused."""
    with pytest.raises(MalformedYaml) as caught:
        parse_yaml(text, FILE)
    return caught.value.message


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "y", "n", "On", "YES", "True", "FALSE", "Null", "NULL", "nan", "inf", "--", "..", "_1", "="])  # fmt: skip
def test_only_true_false_and_null_are_more_than_words(word: str) -> None:
    assert read(f"a: {word}") == {"a": word}


def test_keys_are_words_whatever_they_look_like() -> None:
    assert read("on: 1\nyes: 2\ntrue: 3\nnull: 4\n1: 5\n1.5: 6\n1997-07-01: 7\n~: 8") == {
        "on": 1, "yes": 2, "true": 3, "null": 4, "1": 5, "1.5": 6, "1997-07-01": 7, "~": 8,
    }  # fmt: skip


def test_true_false_and_null() -> None:
    assert read("[true, false, null, ~, ]") == [True, False, None, None]
    assert read("a:\nb: ''") == {"a": None, "b": ""}


@pytest.mark.parametrize(
    "text",
    [
        "12:30:45", "12:00", "190:20:30", "1997-07-01", "1997-07", "1997-07-02T10:00:00-04:00", "1997-07-02 14:00:00",
        "2001-12-14t21:59:43.10-05:00", "1.2.3", "10.0.0.1", "1e", "e3", "5%", "1-2", "0x", "0o8", "0b2", "1a", "12.30.",
    ],
)  # fmt: skip
def test_times_dates_and_what_only_begins_like_a_number_stay_text(text: str) -> None:
    assert read(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    "text", ["1.5", "-1.5", "1e3", "1E3", "1e+3", "-2.5e-3", ".5", "-.5", "+.5", "5.", "1.e5", "+1.5", "0.0"]
)
def test_a_float_is_kept_as_it_was_written(text: str) -> None:
    assert read(f"a: [{text}]") == {"a": [JsonFloat(text)]}


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-0", 0), ("12", 12), ("-7", -7), ("9" * 19, 10**19 - 1), ("-" + "9" * 19, 1 - 10**19)])  # fmt: skip
def test_a_whole_number_as_json_writes_it(text: str, value: int) -> None:
    assert read(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "012", "00189", "00", "-01", "+5", "1_000", "1_000.5", "0x10", "0XfF", "0o7", "0b11", ".inf", "-.Inf", "+.INF",
        ".nan", ".NaN",
    ],
)  # fmt: skip
def test_a_number_that_two_readers_take_differently_is_refused(text: str) -> None:
    assert (
        refusal(f"\na: {text}")
        == f"rules.yaml:2: {text} is a number that JSON does not have; put it in quotes if it is text."
    )
    assert read(f'a: "{text}"') == {"a": text}


def test_an_endless_number_is_refused() -> None:
    assert refusal("a: " + "9" * 5000) == "rules.yaml:1: a number of 5000 digits; numbers have at most 19."


@pytest.mark.parametrize("style", ["'{}'", '"{}"', "|-\n  {}", ">-\n  {}", '! "{}"'])
def test_what_is_quoted_is_text(style: str) -> None:
    for text in ("12", "1.5", "true", "null", "012", "on"):
        assert read("a: " + style.format(text)) == {"a": text}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "rules.yaml:3: the key 'a' stands twice; keep one of the two."),
        ("x:\n  - a: 1\n    'a': 2", "rules.yaml:3: the key 'a' stands twice; keep one of the two."),
        ("{1: a, '1': b}", "rules.yaml:1: the key '1' stands twice; keep one of the two."),
        ("a:\n\t- b", "indent with spaces, not tabs."),
        ("a: 1\n\tb: 2", "rules.yaml:2: "),
        ("? [a, b]\n: 1", "rules.yaml:1: a key is a plain word."),
        ("x: 1\n? {a: b}\n: 1", "rules.yaml:2: a key is a plain word."),
        ("? \n: 1", "rules.yaml:1: a key is a plain word."),
        ("a: 1\n---\nb: 2", "rules.yaml:2: expected a single document in the stream, but found another document."),
        ("a: &a {x: 1}\nb:\n  <<: *a", "rules.yaml:3: the merge key << is not read; write the keys out."),
        ("a: *b", "rules.yaml:1: found undefined alias."),
        ("a: 'b", "rules.yaml:1: while scanning a quoted scalar"),
        ("a: b: c", "rules.yaml:1: mapping values are not allowed"),
        ("a: [1, 2", "rules.yaml:2: while parsing a flow sequence"),
        ("- a\nb: 1", "rules.yaml:2: "),
        ("a: @b", "rules.yaml:1: while scanning for the next token, found character that cannot start any token."),
        ("a: 1\nb: \x01", "rules.yaml:2: the character U+0001 is not allowed in YAML."),
        ("a: \ud800", "rules.yaml:1: the character U+D800 is not allowed in YAML."),
        ('a: "\\ud800"', "rules.yaml:1: while parsing a quoted scalar, found invalid Unicode character escape code."),
        ('a: "x\\0"', "rules.yaml:1: a text holds the character U+0000, which is no text"),
        ('"\\0": 1', "rules.yaml:1: a text holds the character U+0000, which is no text"),
    ],
)  # fmt: skip
def test_a_refusal_says_file_line_and_what(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object:os.system x", "!!python/object/apply:os.system [ls]", "!!python/name:os.system ''", "!foo [1]",
        "!foo {a: 1}", "!!str 12", "!!str true", "!!int '5'", "!!float 1", "!!binary aGVsbG8=", "!!set {a}", "!!omap [a: 1]",
        "!!timestamp 1997-07-01", "!!null x", "!<tag:example.com,2000:x> y",
    ],
)  # fmt: skip
def test_a_tag_is_refused(text: str) -> None:
    assert refusal(f"x: 1\na: {text}").startswith("rules.yaml:2: the tag ")
    assert refusal(text).startswith("rules.yaml:1: the tag ")


def test_a_tagged_key_is_refused() -> None:
    assert refusal("!!int 1: a") == "rules.yaml:1: a key is a plain word."


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "~", "null"])
def test_an_empty_file_is_null(text: str) -> None:
    document = parse_yaml(text, FILE)
    assert document.data is None
    assert document.line_of("/a/0") == 1 + text.startswith("---")


def test_an_anchor_shares_what_it_names() -> None:
    assert read("a: &x {b: [1]}\nc: *x\nd: [*x]") == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}]}


def bomb(leaf: str, levels: int) -> str:
    lines = [f"a0: &a0 {leaf}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("leaf", ["lol", "[]", "{a: b}", "[x, x, x, x, x, x, x, x, x, x]"])
def test_a_billion_laughs_are_refused_at_once(leaf: str) -> None:
    start = time.perf_counter()
    assert f"anchors repeat more than {MAX_REPEATED:,} values" in refusal(bomb(leaf, 10))
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    "text", ["&a [*a]", "&a {b: *a}", "&a [x, [*a]]", "a: &a {b: [1, {c: *a}]}", "&a [*a, *a, *a]", "&a [&b [*a, *b]]"]
)
def test_an_anchor_that_holds_itself_is_refused(text: str) -> None:
    assert "no anchor holds itself" in refusal(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
def test_what_is_nested_too_deeply_is_refused(opening: str, closing: str) -> None:
    assert f"nested too deeply; {MAX_DEPTH} levels are read" in refusal(opening * 2_000 + "1" + closing * 2_000)


def test_the_deepest_that_is_read() -> None:
    depth = MAX_DEPTH - 1
    value = read("[" * depth + "1" + "]" * depth)
    for _ in range(depth):
        (value,) = value
    assert value == 1


@pytest.mark.parametrize("text", ["[' * 100_000", "{a: ' * 100_000", "- ' * 100_000"])
def test_a_hundred_thousand_levels_do_not_end_the_process(text: str) -> None:
    code = f"from pathlib import Path; from app.adapters.yaml_files import parse_yaml; parse_yaml('{text}, Path('x'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "MalformedYaml" in done.stderr


DEEP = """\
# a comment
rules:
  - id: base
    when:
      all:
        - {fact: country,
           op: eq}
        -
          fact: quantity
    then: &then
      percent: "5"
  - id: second
    then: *then
a/b: {m~n: 1}
text: |
  one
  two
last: 1
"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 2), ("/rules", 2), ("/rules/0", 3), ("/rules/0/id", 3), ("/rules/0/when", 4), ("/rules/0/when/all", 5),
        ("/rules/0/when/all/0", 6), ("/rules/0/when/all/0/op", 7), ("/rules/0/when/all/1", 9),
        ("/rules/0/when/all/1/fact", 9), ("/rules/0/then", 10), ("/rules/0/then/percent", 11), ("/rules/1/then", 13),
        ("/rules/1/then/percent", 11), ("/a~1b", 14), ("/a~1b/m~0n", 14), ("/text", 15), ("/last", 18),
        ("/rules/0/when/all/0/op/none", 7), ("/rules/7/then", 2), ("/none/at/all", 2), ("none", 2),
    ],
)  # fmt: skip
def test_each_part_knows_its_line_and_a_missing_one_that_of_what_is_around_it(pointer: str, line: int) -> None:
    assert parse_yaml(DEEP, FILE).line_of(pointer) == line


plain = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8)
leaves = plain | st.integers(-(2**62), 2**62) | st.booleans() | st.none()
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4))


@given(trees, st.booleans())
@settings(deadline=None)
def test_what_is_written_in_quotes_is_read_back(data: Any, flow: bool) -> None:
    text = yaml.dump(_Quoted.of(data), Dumper=_Dumper, default_flow_style=flow, allow_unicode=True)
    assert read(text) == data


class _Quoted(str):
    @classmethod
    def of(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {cls(key): cls.of(value) for key, value in data.items()}
        if isinstance(data, list):
            return [cls.of(value) for value in data]
        return cls(data) if isinstance(data, str) else data


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))

_PARTS = ["a", "b: ", ": ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "&x ", "*x", "!t ", "'", '"', "|", ">", "#", "? ", "---\n", "1.5", "on", "%", "\t", "\\"]  # fmt: skip


@given(st.text(max_size=30) | st.lists(st.sampled_from(_PARTS), max_size=14).map("".join))
@settings(deadline=None, max_examples=250)
def test_any_text_is_data_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_yaml(text, FILE), Document)
    except MalformedYaml as error:
        assert error.message.startswith("rules.yaml:")  # noqa: PT017


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedYaml, match=r"none\.yaml cannot be read: No such file or directory\."):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(MalformedYaml, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(MalformedYaml, match=r"latin\.yaml:2: byte 8 is not UTF-8"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["\ufeffa: 1\r\nb: é\r\n", "a: 1\nb: é\n"])
def test_a_byte_order_mark_and_windows_lines_make_no_difference(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(text.encode())
    document = read_yaml(path)
    assert (document.data, document.line_of("/b")) == ({"a": 1, "b": "é"}, 2)


SHIPPED = sorted(path.relative_to(ROOT) for folder in ("rules", "fixtures") for path in (ROOT / folder).rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_every_shipped_file_is_strict(path: Path) -> None:
    assert read_yaml(ROOT / path).data
