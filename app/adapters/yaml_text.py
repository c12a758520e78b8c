"""JSON-like data as YAML for people: keys in a fixed order, short parts on one line. `yaml_files.py` reads it back as the
same data; what the data means is not known here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

COLUMNS = 120
# A flow collection is wrapped after the item that crosses this column, so items may stand out a little.
_WRAP = 112
_NESTED = 3  # collections inside each other that still read well on one line
_TEXT, _LIST, _MAP = "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"
# What some reader of YAML takes for something other than text: numbers, dates, times, null, booleans.
_NOT_TEXT = re.compile(r"[-+.]?[0-9].*|[-+]?\.(inf|nan)|null|~|true|false|yes|no|on|off|y|n|=|<<|", re.IGNORECASE)
_NO_KEY = re.compile(r"[-+.]?[0-9].*|null|~|true|false|=|<<|", re.IGNORECASE)
_PLAIN = re.compile(r"[^\W\d_][\w .%/+()&–-]*[\w.%)]|[^\W\d_]", re.UNICODE)


class _Dumper(yaml.SafeDumper):
    """Writes nodes as they are styled, lists indented under their key."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return _TEXT if kind is yaml.ScalarNode else _LIST if kind is yaml.SequenceNode else _MAP

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def yaml_text(data: Mapping[str, Any], block: frozenset[str] = frozenset()) -> str:
    """Return a document. A mapping that has one of the keys in `block` is always spread over lines, as is the document."""
    node = _Nodes(block).mapping(data, 0, is_block=True)
    return str(yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=_WRAP, indent=2))


class _Nodes:
    """Nodes with their styles, chosen by how much room there is."""

    def __init__(self, block: frozenset[str]) -> None:
        self.block = block

    def of(self, data: Any, indent: int, before: int) -> yaml.Node:
        """Return the node of a part that begins `before` columns behind its indentation."""
        if isinstance(data, Mapping):
            return self.mapping(data, indent, is_block=not self._fits(data, indent + before))
        if isinstance(data, Sequence) and not isinstance(data, str):
            is_flow = self._is_values(data) or self._fits(data, indent + before)
            children = [self.of(part, indent + 2, 2) for part in data]
            return yaml.SequenceNode(_LIST, children, flow_style=is_flow)
        return _scalar(data)

    def mapping(self, data: Mapping[str, Any], indent: int, *, is_block: bool) -> yaml.Node:
        pairs = [(_key(key), self.of(value, indent + 2, len(key))) for key, value in data.items()]
        return yaml.MappingNode(_MAP, pairs, flow_style=not is_block)

    def _is_values(self, data: Sequence[Any]) -> bool:
        return not any(isinstance(part, Mapping | list | tuple) for part in data)

    def _fits(self, data: Any, before: int) -> bool:
        return self._depth(data) <= _NESTED and before + self._width(data) <= _WRAP

    def _depth(self, data: Any) -> int:
        if isinstance(data, Mapping):
            if not self.block.isdisjoint(data):
                return _NESTED + 1
            return 1 + max(map(self._depth, data.values()), default=0)
        return 1 + max(map(self._depth, data), default=0) if isinstance(data, list | tuple) else 0

    def _width(self, data: Any) -> int:
        if isinstance(data, Mapping):
            return 2 + sum(len(key) + 4 + self._width(value) for key, value in data.items())
        if isinstance(data, list | tuple):
            return 2 + sum(2 + self._width(part) for part in data)
        return len(data) + 2 if isinstance(data, str) else 5


def _scalar(value: Any) -> yaml.Node:
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value) and "  " not in value
        return yaml.ScalarNode(_TEXT, value, style=None if is_plain else '"')
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return yaml.ScalarNode(_TEXT, text)


def _key(key: str) -> yaml.Node:
    is_plain = re.fullmatch(r"\w[\w.-]*", key) and not _NO_KEY.fullmatch(key)
    return yaml.ScalarNode(_TEXT, key, style=None if is_plain else '"')
