"""durable_rules has one door: no other file of the product imports it."""

from __future__ import annotations

import ast
from pathlib import Path

APP = Path(__file__).parents[2] / "app"


def imported_by(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def test_only_the_matcher_imports_durable() -> None:
    doors = [path for path in APP.rglob("*.py") if imported_by(path) & {"durable", "durable_rules_engine"}]
    assert doors == [APP / "adapters" / "durable_matcher.py"]
