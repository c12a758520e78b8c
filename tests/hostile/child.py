"""The process in which cases are tried. It may die of one: it notes which one it is at, and its memory is limited."""

from __future__ import annotations

import argparse
import faulthandler
import json
import mmap
import resource
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from app.assembly import opened_runtime
from app.settings import Settings
from tests.hostile.families import Case, case
from tests.hostile.over_http import client_of, sent
from tests.hostile.trial import tried

MEMORY = 2 * 2**30
REPORT_EVERY = 1_000


def main() -> None:
    """Try a range of cases, and write what became of them to a file, a line for each thousand and for each violation."""
    parser = argparse.ArgumentParser()
    for name in ("seed", "first", "end", "http-every"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--database")
    given = parser.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with ExitStack() as held:
        client = None
        if given.database:
            client = client_of(held.enter_context(opened_runtime(Settings(given.database, given.folder))))
        report = held.enter_context((given.folder / "report").open("a", encoding="utf-8"))
        at = mmap.mmap(held.enter_context((given.folder / "at").open("r+b")).fileno(), 8)
        seen: list[Any] = []
        for number in range(given.first, given.end):
            at[:] = number.to_bytes(8, "big")
            drawn = case(given.seed, number)
            try:
                result = tried(drawn)
                seen.append((number, drawn.family, drawn.reader, result.outcome, round(result.seconds * 1000, 2)))
                if client and given.http_every and number % given.http_every == 0:
                    seen.append((number, "over HTTP", drawn.reader, str(sent(client, drawn)), 0))
            except Exception:
                print(json.dumps(_violation(number, drawn)), file=report, flush=True)
            if len(seen) >= REPORT_EVERY or number + 1 == given.end:
                print(json.dumps({"seen": seen}), file=report, flush=True)
                seen = []
        at[:] = given.end.to_bytes(8, "big")


def _violation(number: int, drawn: Case) -> dict[str, Any]:
    shown = {"number": number, "family": drawn.family, "reader": drawn.reader, "text": ascii(drawn.text[:300])}
    return {"violation": {**shown, "what": traceback.format_exc(limit=-3)}}


if __name__ == "__main__":
    main()
