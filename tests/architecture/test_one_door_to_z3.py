"""The solver is an aid of the analysis: nothing that decides or pays imports it."""

from __future__ import annotations

from tests.architecture.test_one_door_to_durable import APP, imported_by


def test_only_the_analysis_imports_the_solver() -> None:
    doors = {path.relative_to(APP).parts[0] for path in APP.rglob("*.py") if "z3" in imported_by(path)}
    assert doors == {"analysis"}
