"""Strict YAML: a file as JSON-like data with the line of every part. What the data means is not known here.

Stricter than YAML 1.1 where that guesses: only `true` and `false` are booleans (so the key `on` is a word), times and
dates stay text, floats become `JsonFloat` so that the reader can refuse them, duplicate keys are errors.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import AppError, pointer_of
from app.core.json_text import MAX_INTEGER_DIGITS, JsonFloat

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9][0-9_.:eE+\-xXa-fA-F]*", re.ASCII)
_DATELIKE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MAX_NODES = 1_000_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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


def read_yaml(path: Path) -> Document:
    """Read a YAML file. Raises MalformedYaml with file and line."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedYaml(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> Document:
    """Read YAML text; `path` is only named in messages."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise MalformedYaml(f"{where}: {getattr(error, 'problem', None) or error}.") from None
    except RecursionError:
        raise MalformedYaml(f"{path}: nested too deeply to be read.") from None
    reader = _Reader(path)
    return Document(path, None if node is None else reader.value(node, ""), reader.lines)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        self.nodes = 0

    def value(self, node: Any, at: str) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.refuse(node, f"more than {MAX_NODES:,} values; anchors may have multiplied them")
        self.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, at + pointer_of(index)) for index, child in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: Any, at: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.refuse(key_node, "a key is a plain word")
            key = key_node.value
            if key in result:
                raise self.refuse(key_node, f"the key {key!r} stands twice; keep one of the two")
            pointer = at + pointer_of(key)
            self.lines[pointer] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, pointer)
        return result

    def scalar(self, node: Any) -> Any:
        text = node.value
        if node.style in ("'", '"', "|", ">"):
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.fullmatch(text) and len(text) <= MAX_INTEGER_DIGITS:
            return int(text)
        if _NUMBER.fullmatch(text) and not _DATELIKE.match(text) and node.tag != "tag:yaml.org,2002:str":
            return JsonFloat(text)
        return text

    def refuse(self, node: Any, what: str) -> MalformedYaml:
        return MalformedYaml(f"{self.path}:{node.start_mark.line + 1}: {what}.")
