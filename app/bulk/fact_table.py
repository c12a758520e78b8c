"""The table of facts: one column a fact, its type by the catalogue, and typed facts as its rows. No engine is called here.

Columns have names of ours. A name that a rule may use can be a keyword, and SQL takes `Plan` and `plan` for one column
even in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.bulk.columns import STORAGE, stored
from app.engine.matcher import EngineFault, Facts
from app.rulelang.facts import MEMBERS, Catalogue, Fact

ROW = "row_number"
"""The column that tells the rows apart, and keeps their order."""

Row: TypeAlias = dict[str, Any]
Structure: TypeAlias = str | list["Structure"] | dict[str, "Structure"]
"""A column's type: a scalar's, a list of one structure, or the fields of a record by name."""

_NOT_PLAIN = re.compile("[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Column:
    """Where a fact stands, or a field of a record; `fields` are those of the records it holds."""

    name: str
    fact: Fact
    fields: Mapping[str, Column]

    @property
    def is_list(self) -> bool:
        """Whether it holds an array, of texts or of records."""
        return self.fact.type not in STORAGE

    @property
    def scalar(self) -> str:
        """The type of the fact, or of a member of the list that it is."""
        return MEMBERS.get(self.fact.type, self.fact.type)

    @property
    def structure(self) -> Structure:
        """The type of the column."""
        if self.fact.type == "records":
            return [structure_of(self.fields)]
        sql_type = STORAGE[self.scalar].sql_type
        return [sql_type] if self.is_list else sql_type

    def value(self, value: Any) -> Any:
        """Return what the column holds for a typed value. EngineFault for one that is not of the fact's type."""
        if not self.is_list:
            return stored(self.scalar, value)
        if not isinstance(value, tuple):
            raise EngineFault(f"fact {self.fact.name} is a list; found {type(value).__name__}")
        if self.fact.type == "records":
            return [row_of(self.fields, item) for item in value]
        return [stored(self.scalar, member) for member in value]


class FactTable:
    """The columns of those facts of a catalogue that are wanted, or of all."""

    def __init__(self, catalogue: Catalogue, wanted: Iterable[str] | None = None) -> None:
        names = catalogue.names() if wanted is None else sorted(set(wanted))
        unknown = [name for name in names if catalogue.get(name) is None]
        if unknown:
            raise EngineFault(f"the catalogue has no fact {unknown[0]!r}")
        self.columns = columns_of(catalogue[name] for name in names)

    @property
    def structure(self) -> dict[str, Structure]:
        """The type of a row, the column that counts them included."""
        return {ROW: "BIGINT", **structure_of(self.columns)}

    def row(self, number: int, facts: Facts) -> Row:
        """Return the row of one set of facts. An absent fact is NULL; facts without a column are left out."""
        return {ROW: number, **row_of(self.columns, facts)}


def columns_of(facts: Iterable[Fact]) -> dict[str, Column]:
    """Return the column of each fact, or field, by its name."""
    return {
        fact.name: Column(column_name(at, fact.name), fact, columns_of(fact.fields)) for at, fact in enumerate(facts)
    }


def column_name(at: int, name: str) -> str:
    """Return a name that is told apart by its number alone; the rest is for those who read the statement.

    >>> column_name(3, "order_value"), column_name(4, "Été"), column_name(5, "SELECT")
    ('f3_order_value', 'f4_t', 'f5_select')
    """
    return f"f{at}_{_NOT_PLAIN.sub('_', name.lower()).strip('_')[:40]}".rstrip("_")


def structure_of(columns: Mapping[str, Column]) -> dict[str, Structure]:
    """Return the types of columns by their names."""
    return {column.name: column.structure for column in columns.values()}


def row_of(columns: Mapping[str, Column], values: Mapping[str, Any]) -> Row:
    """Return what columns hold for typed values by fact. Every column is there, or an engine could not miss one."""
    return {
        column.name: None if (value := values.get(name)) is None else column.value(value)
        for name, column in columns.items()
    }
