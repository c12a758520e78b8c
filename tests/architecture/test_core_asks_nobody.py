"""The lower floors take values and return values: no clock, randomness, environment or floats, and nothing heavy loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("core", "rulelang", "engine")
MAY_ASK = {"core/clock.py", "core/ids.py"}
FILES = sorted(path for floor in FLOORS for path in (ROOT / "app" / floor).rglob("*.py"))
# Modules that ask the system whatever one takes from them, and calls that do.
ASKING_MODULES = {
    "os",
    "time",
    "random",
    "secrets",
    "uuid",
    "socket",
    "subprocess",
    "getpass",
    "locale",
    "logging",
    "tempfile",
}
ASKING_CALLS = {"now", "utcnow", "today", "fromtimestamp", "getenv", "urandom", "open", "input", "print", "tzlocal"}


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT / "app").as_posix() for path in paths]


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def asks(node: ast.AST) -> bool:
    """Tell whether a node imports or calls what asks the system."""
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in ASKING_MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return not node.level and (node.module or "").split(".")[0] in ASKING_MODULES
    if isinstance(node, ast.Call):
        return called(node) in ASKING_CALLS
    return False


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_float(node: ast.AST) -> bool:
    """Tell whether a node makes a float: a literal, or a call that returns one."""
    if isinstance(node, ast.Call):
        return called(node) in ("float", "timestamp", "total_seconds")
    return isinstance(node, ast.Constant) and isinstance(node.value, float | complex)


def test_there_are_files_to_look_at() -> None:
    assert {"core/clock.py", "core/money.py", "rulelang/facts.py", "engine/evaluate.py"} <= set(names(FILES))


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_only_the_clock_and_the_ids_ask_the_system(path: Path) -> None:
    asking = [ast.unparse(node) for node in nodes(path) if asks(node)]
    assert bool(asking) == (path.relative_to(ROOT / "app").as_posix() in MAY_ASK), asking


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_nothing_is_calculated_in_floats(path: Path) -> None:
    assert [f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)}" for node in nodes(path) if is_float(node)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os", True), ("from time import time", True), ("datetime.now(UTC)", True), ("date.today()", True),
        ("datetime.fromtimestamp(0)", True), ("from app.core import ids", False), ("clock()", False),
    ],
)  # fmt: skip
def test_the_scan_sees_what_asks(source: str, found: bool) -> None:
    assert any(map(asks, ast.walk(ast.parse(source)))) is found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 0.5", True),
        ("float('1')", True),
        ("at.timestamp()", True),
        ("isinstance(x, float | int)", False),
        ("x = 5", False),
    ],
)
def test_the_scan_sees_floats(source: str, found: bool) -> None:
    assert any(map(is_float, ast.walk(ast.parse(source)))) is found


@pytest.mark.parametrize(
    "module", ["app", "app.core.money", "app.core.timeline", "app.rulelang.ruleset", "app.engine.evaluate"]
)
def test_the_lower_floors_load_neither_flask_nor_a_database(module: str) -> None:
    heavy = ("flask", "marshmallow", "sqlalchemy", "psycopg", "durable", "yaml", "click", "duckdb", "gunicorn")
    code = f"import sys, {module}; print(*sorted(sys.modules.keys() & {set(heavy)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
