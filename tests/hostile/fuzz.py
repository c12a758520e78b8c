"""`python -m tests.hostile.fuzz --cases 1000000 --seed 1 --workers 1`: hostile cases by the million, and a report on them.

Cases run in child processes of limited memory; one that dies or stands still is a violation, and the next one goes on
behind the case it was at. The exit status is 1 after any violation. One case: `--first N --cases 1`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.adapters.embedded_postgres import acquire
from app.store.migrate import migrate
from app.store.session import engine_for

_ONE_AT_A_TIME = Lock()  # reports are put together, and Alembic works in one thread only
CHILD = ["-m", "tests.hostile.child"]
PROGRESS_S = 5
PATIENCE_S = 60  # for one case; the slowest that is accepted takes a second


@dataclass
class Report:
    """What is known of the cases that were tried."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: list[tuple[float, int, str, str]] = field(default_factory=list)
    slowest_accepted: list[tuple[float, int, str, str]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(count for (family, _), count in self.outcomes.items() if family != "over HTTP")

    def take(self, line: str) -> None:
        """Add a line of a child."""
        told = json.loads(line)
        if "violation" in told:
            self.violations.append(told["violation"])
        for number, family, reader, outcome, ms in told.get("seen", []):
            self.outcomes[family, outcome] += 1
            kept = self.slowest_accepted if outcome == "accepted" else self.slowest
            kept.append((ms, number, f"{family}, {reader}", outcome))
        for kept in (self.slowest, self.slowest_accepted):
            kept.sort(reverse=True)
            del kept[10:]

    def lines(self) -> Iterator[str]:
        """Yield the report."""
        for family in sorted({family for family, _ in self.outcomes}):
            counts = {outcome: count for (of, outcome), count in sorted(self.outcomes.items()) if of == family}
            told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
            yield f"{family:24}{sum(counts.values()):>10,}  {told}"
        for title, kept in (
            ("slowest that were refused", self.slowest),
            ("slowest that were accepted", self.slowest_accepted),
        ):
            yield f"{title}, ms of process time to the answer:"
            yield from (f"  {ms:8.1f}  case {number} ({family}): {outcome}" for ms, number, family, outcome in kept)
        yield f"{self.cases:,} cases, {len(self.violations)} violations"
        yield from (json.dumps(violation, indent=1) for violation in self.violations[:20])


def main() -> int:
    """Run the cases and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--http-every", type=int, default=200, help="0: no database, and nothing over HTTP")
    given = parser.parse_args()
    report, start = Report(), time.monotonic()
    share = -(-given.cases // given.workers)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as held:
        url = held.enter_context(acquire(Path(folder) / "server")).url if given.http_every else None
        spans = [
            (given.first + n * share, given.first + min((n + 1) * share, given.cases)) for n in range(given.workers)
        ]
        with ThreadPoolExecutor(given.workers) as threads:
            running = [threads.submit(_span, report, given, url, Path(folder), *span) for span in spans]
            while wait(running, timeout=PROGRESS_S).not_done:
                print(
                    f"{report.cases:,} cases, {time.monotonic() - start:.0f} s, {len(report.violations)} violations",
                    flush=True,
                )
            for one in running:
                one.result()
    print(*report.lines(), sep="\n")
    return 1 if report.violations else 0


def _span(report: Report, given: argparse.Namespace, url: str | None, parent: Path, first: int, end: int) -> None:
    """Try cases in one child after the other until all have been."""
    while first < end:
        folder = parent / uuid4().hex
        folder.mkdir()
        (folder / "at").write_bytes(first.to_bytes(8, "big"))
        (folder / "report").touch()
        with _ONE_AT_A_TIME:
            database = None if url is None else _fresh_database(url)
        first = _child(report, given, database, folder, first, end)


def _child(report: Report, given: argparse.Namespace, url: str | None, folder: Path, first: int, end: int) -> int:
    """Run one child, and return where the next one has to start."""
    numbers = ["--seed", given.seed, "--first", first, "--end", end, "--http-every", given.http_every]
    command = [sys.executable, *CHILD, *map(str, numbers), "--folder", str(folder)]
    with (folder / "log").open("wb") as log, (folder / "report").open(encoding="utf-8") as told:
        child = subprocess.Popen([*command, *(["--database", url] if url else [])], stdout=log, stderr=log)
        at, since = first, time.monotonic()
        while child.poll() is None:
            time.sleep(0.2)
            _read_lines(report, told)
            now = int.from_bytes((folder / "at").read_bytes(), "big")
            if now != at:
                at, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE_S:
                child.kill()
        child.wait()
        _read_lines(report, told)
    at = int.from_bytes((folder / "at").read_bytes(), "big")
    if child.returncode != 0:
        said = (folder / "log").read_text(errors="replace")[-2_000:]
        report.violations.append({"number": at, "what": f"the process ended with {child.returncode}", "said": said})
        return at + 1
    return end


def _read_lines(report: Report, told: Any) -> None:
    while True:
        place = told.tell()
        line = told.readline()
        if not line.endswith("\n"):
            told.seek(place)
            return
        with _ONE_AT_A_TIME:
            report.take(line)


def _fresh_database(url: str) -> str:
    name = f"hostile_{uuid4().hex[:12]}"
    engine = engine_for(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    fresh = make_url(url).set(database=name).render_as_string(hide_password=False)
    engine = engine_for(fresh)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()
    return fresh


if __name__ == "__main__":
    sys.exit(main())
