"""Writes the tables of `rules/README.md` from the catalogue, the operators, the diagnostics and the packs.

    python -m tests.builders.rules_readme

puts them into the file; a test holds that it was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from app.adapters.fact_files import shipped_catalogue
from app.adapters.pack_files import pack_names, shipped_pack
from app.analysis.findings import CODES as ANALYSED
from app.rulelang.diagnostics import CODES
from app.rulelang.facts import TYPES, Fact
from app.rulelang.operators import OPERATORS

README = Path(__file__).parents[2] / "rules" / "README.md"


def with_tables(text: str) -> str:
    """Return the text with what stands between the marks of each table replaced by the table."""
    for name, lines in (
        ("facts", _facts()),
        ("operators", _operators()),
        ("diagnostics", _diagnostics(CODES)),
        ("analysis", _diagnostics(ANALYSED)),
        ("packs", _packs()),
    ):
        table = f"<!-- {name} -->\n{chr(10).join(lines)}\n<!-- /{name} -->"
        text, count = re.subn(
            f"<!-- {name} -->.*?<!-- /{name} -->", lambda _, table=table: table, text, flags=re.DOTALL
        )
        assert count == 1, name
    return text


def _facts() -> Iterable[str]:
    yield "| Fact | Type | | Meaning | Example |"
    yield "|---|---|---|---|---|"
    for fact in shipped_catalogue():
        yield f"| `{fact.name}` | {_type(fact)} | {_presence(fact)} | {fact.meaning} | `{fact.example}` |"
        for field in fact.fields:
            example = f"`{field.example}`"
            yield f"| `{fact.name}` … `{field.name}` | {_type(field)} | {_presence(field)} | {field.meaning} | {example} |"


def _type(fact: Fact) -> str:
    more = ", ".join(fact.values) or fact.unit
    return f"{fact.type}: {more}" if fact.values else f"{fact.type} ({more})" if more else fact.type


def _presence(fact: Fact) -> str:
    presence = "computed" if fact.derived else "required" if fact.required else "optional"
    return presence if fact.subject == "conversion" else f"{presence}, of a {fact.subject}"


def _operators() -> Iterable[str]:
    yield "| Operator | Reads | Types | `value` |"
    yield "|---|---|---|---|"
    wanted = {None: "a list", 0: "none", 1: "one", 2: "a list of two"}
    for name, operator in OPERATORS.items():
        yield f"| `{name}` | {operator.words} | {_types(operator.types)} | {wanted[operator.arity]} |"


def _types(types: frozenset[str]) -> str:
    others = sorted(set(TYPES) - types)
    if len(others) > 2:
        return ", ".join(sorted(types))
    return f"all but {' and '.join(others)}" if others else "all"


def _diagnostics(codes: Mapping[str, str]) -> Iterable[str]:
    yield "| Code | Meaning |"
    yield "|---|---|"
    for code, meaning in codes.items():
        yield f"| `{code}` | {meaning} |"


def _packs() -> Iterable[str]:
    yield "| Pack | For | Has to be given | Has to be there |"
    yield "|---|---|---|---|"
    for name in pack_names():
        pack = shipped_pack(name)
        given = ", ".join(f"`{name}`" for name in pack.examples)
        there = [f"the fact `{name}`" for name in pack.facts] + [f"the list `{name}`" for name in pack.lists]
        yield f"| `{pack.name}` | {pack.title} | {given} | {', '.join(there)} |"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text("utf-8")), "utf-8")
