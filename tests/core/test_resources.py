"""The files that travel with the product are found from anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core import resources


def test_a_shipped_file_is_found_whatever_the_working_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resources.shipped("rules", "facts.yaml").is_file()
    assert resources.shipped("fixtures").is_dir()


def test_a_wheel_carries_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_data").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path)
    assert resources.shipped("rules", "facts.yaml") == tmp_path / "_data" / "rules" / "facts.yaml"
