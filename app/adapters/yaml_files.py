"""Strict YAML: a file as JSON-like data with the line of every part. What the data means is not known here.

Stricter than YAML 1.1 where that guesses: only `true` and `false` are booleans (so the key `on` is a word), times and
dates stay text, floats become `JsonFloat` so that the reader can refuse them, numbers that JSON does not have, tags,
merge keys and duplicate keys are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import AppError, Finding, pointer_of
from app.core.json_text import MAX_DEPTH, MAX_INTEGER_DIGITS, JsonFloat

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", re.ASCII)
# Other spellings of YAML 1.1 or 1.2, some of which are two numbers: 010 is 8 in one and 10 in the other.
_FOREIGN_NUMBER = re.compile(
    r"[-+]?([0-9][0-9_]*(\.[0-9_]*([eE][-+]?[0-9]+)?)?|0[xX][0-9a-fA-F_]+|0o[0-7]+|0b[01_]+|\.(inf|Inf|INF)|\.(nan|NaN|NAN))",
    re.ASCII,
)
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What escapes could still bring in: NUL, which PostgreSQL has not, and halves of surrogate pairs.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
# How many values anchors may repeat: enough for sharing, too few for a file that unfolds to billions of them.
MAX_REPEATED = 10_000

_PLAIN, _QUOTED, _LIST, _MAP = "plain", "quoted", "list", "map"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, unused-ignore]
    """Composes nodes without guessing what plain words are, and not so deep that the C stack ends."""

    _depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _LIST if kind is yaml.SequenceNode else _MAP

    def descend_resolver(self, parent: Any, index: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = parent.start_mark
            raise yaml.MarkedYAMLError(None, None, f"nested too deeply; {MAX_DEPTH} levels are read", mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class MalformedYaml(AppError):
    """The file is not YAML, or not the strict kind. The message names file and line."""

    code = "malformed_yaml"
    kind = "malformed"


class Document:
    """The data of one file and the line on which each part of it begins."""

    def __init__(self, path: Path, data: Any, lines: dict[str, int]) -> None:
        self.path = path
        self.data = data
        self._lines = lines

    def line_of(self, pointer: str) -> int:
        """Return the line of the part at a JSON Pointer, or of the nearest part around it."""
        while pointer not in self._lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self._lines.get(pointer, 1)

    def located(self, findings: Iterable[Finding]) -> str:
        """Return one line of text for each finding, with file, line and key."""
        texts = []
        for finding in findings:
            hint = f" ({finding.hint})" if finding.hint else ""
            line = self.line_of(finding.pointer)
            texts.append(f"{self.path}:{line}: {finding.pointer or '/'}: {finding.message}{hint}")
        return "\n".join(texts)


def read_yaml(path: Path) -> Document:
    """Read a YAML file. Raises MalformedYaml with file and line."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise MalformedYaml(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise MalformedYaml(f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8.") from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> Document:
    """Read YAML text; `path` is only named in messages."""
    text = text.removeprefix("\ufeff")
    if strange := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, strange.start()) + 1
        raise MalformedYaml(f"{path}:{line}: the character U+{ord(strange[0]):04X} is not allowed in YAML.")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise MalformedYaml(_explained(error, text, path)) from None
    reader = _Reader(path)
    return Document(path, None if node is None else reader.value(node, "", 0), reader.lines)


def _explained(error: yaml.MarkedYAMLError, text: str, path: Path) -> str:
    what = ", ".join(filter(None, (error.context, error.problem)))
    if error.problem_mark is None:
        return f"{path}: {what}."
    if "exceeded maximum nesting depth" in what:  # where libyaml has a limit of its own, it comes first
        what = f"nested too deeply; {MAX_DEPTH} levels are read"
    line = error.problem_mark.line
    has_tab = "cannot start any token" in what and "\t" in "".join(text.splitlines()[line : line + 1])
    return f"{path}:{line + 1}: {what}{'; indent with spaces, not tabs' if has_tab else ''}."


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        self.seen: set[int] = set()
        self.repeated = 0

    def value(self, node: Any, at: str, depth: int) -> Any:
        self.count(node, depth)
        self.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self.mapping(node, at, depth + 1)
        if isinstance(node, yaml.SequenceNode) and node.tag == _LIST:
            return [self.value(child, at + pointer_of(index), depth + 1) for index, child in enumerate(node.value)]
        if node.tag == _PLAIN and not node.style:
            return self.plain(node)
        if node.tag in (_PLAIN, _QUOTED):
            return self.text(node)
        raise self.refuse(node, f"the tag {node.tag!r} is not read; leave it out, and put text in quotes")

    def count(self, node: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self.refuse(node, f"nested too deeply; {MAX_DEPTH} levels are read, and no anchor holds itself")
        self.repeated += id(node) in self.seen
        self.seen.add(id(node))
        if self.repeated > MAX_REPEATED:
            raise self.refuse(node, f"anchors repeat more than {MAX_REPEATED:,} values; write them out, or fewer")

    def mapping(self, node: Any, at: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key in result:
                raise self.refuse(key_node, f"the key {key!r} stands twice; keep one of the two")
            pointer = at + pointer_of(key)
            self.lines[pointer] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, pointer, depth)
        return result

    def key(self, node: Any) -> str:
        if node.tag not in (_PLAIN, _QUOTED) or (node.tag == _PLAIN and not node.value):
            raise self.refuse(node, "a key is a plain word")
        if node.tag == _PLAIN and node.value == "<<":
            raise self.refuse(node, "the merge key << is not read; write the keys out")
        return self.text(node)

    def text(self, node: Any) -> str:
        if strange := _NO_TEXT.search(node.value):
            raise self.refuse(node, f"a text holds the character U+{ord(strange[0]):04X}, which is no text")
        return str(node.value)

    def plain(self, node: Any) -> Any:
        text = node.value
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.fullmatch(text):
            return self.integer(node, text)
        if _FLOAT.fullmatch(text):
            return JsonFloat(text)
        if _FOREIGN_NUMBER.fullmatch(text):
            raise self.refuse(node, f"{text[:60]} is a number that JSON does not have; put it in quotes if it is text")
        return text

    def integer(self, node: Any, text: str) -> int:
        digits = len(text.lstrip("-"))
        if digits > MAX_INTEGER_DIGITS:
            raise self.refuse(node, f"a number of {digits} digits; numbers have at most {MAX_INTEGER_DIGITS}")
        return int(text)

    def refuse(self, node: Any, what: str) -> MalformedYaml:
        return MalformedYaml(f"{self.path}:{node.start_mark.line + 1}: {what}.")
