"""Where the files that travel with the product are: rule packs and fixtures, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(*parts: str) -> Path:
    """Return the path of a shipped file, such as `shipped("rules", "facts.yaml")`.

    A wheel carries `rules/` and `fixtures/` inside the package (pyproject.toml); in a checkout they lie beside it.
    """
    inside = _PACKAGE / "_data"
    return (inside if inside.is_dir() else _PACKAGE.parent).joinpath(*parts)
