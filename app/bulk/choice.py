"""Which engine settles programs, and what the bulk ones may use. What they do is the pipeline's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SettlingEngine = Literal["online", "duckdb", "spark"]
MEMORY = "2GB"


@dataclass(frozen=True, slots=True)
class Settling:
    """How programs are settled where nobody says otherwise: by every operation that needs decisions, and by billing runs;
    and how much memory a bulk engine takes, and where it puts what does not fit."""

    engine: SettlingEngine = "online"
    runs: SettlingEngine = "online"
    memory: str = MEMORY
    spill: Path | None = None
    # Is told why, whenever a bulk engine was wanted and a program was settled online.
    told: Callable[[str], None] | None = None


ONLINE = Settling()
