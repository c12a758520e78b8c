"""What the pipeline asks of an engine: to load rows, to keep what a query finds, and to answer. Nothing of one engine is
here: a second one is a second class of these methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from sqlglot import exp

from app.bulk.fact_table import Row, Structure


class Runner(Protocol):
    """An engine that runs SQLGlot trees in a dialect of its own."""

    @property
    def dialect(self) -> str:
        """The name that SQLGlot has for its SQL."""
        ...

    def load(self, name: str, structure: Mapping[str, Structure], rows: Iterable[Row]) -> None:
        """Make a table of rows."""
        ...

    def attach(self, name: str, file: Path) -> None:
        """Make a table of a Parquet file that is in reach, which stays where it is."""
        ...

    def keep(self, name: str, tree: exp.Query) -> None:
        """Make a table of what a query finds."""
        ...

    def name(self, name: str, tree: exp.Query) -> None:
        """Give a query a name, under which others read what it finds."""
        ...

    def run(self, tree: exp.Query) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        ...

    def stream(self, tree: exp.Query) -> Iterator[tuple[Any, ...]]:
        """Yield what a query finds, row by row, beside other queries. Memory does not hold all of it."""
        ...

    def drop(self, *names: str) -> None:
        """Give tables up."""
        ...

    def close(self) -> None:
        """Give back what the engine holds."""
        ...
