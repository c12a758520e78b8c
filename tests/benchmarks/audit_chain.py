"""How long it takes to verify a million audit events, and what the chain costs those who write.

    python -m tests.benchmarks.audit_chain [--events N] [--quick] [--write]

The events are as realistic as those of the product, and are copied in through the trigger that refuses what does not
continue the chain. They are verified in a process of its own, as `termline audit verify` does. `--write` puts the tables
into app/docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from app.adapters.embedded_postgres import acquire
from app.adapters.fact_files import shipped_catalogue
from app.audit.chain import event_body, event_hash
from app.audit.repository import current_head
from app.core.instants import write_instant
from app.engine.reference import ReferenceMatcher
from app.partners.operations.create_partner import create_partner
from app.runtime import Runtime
from app.store.migrate import migrate
from app.store.rows import add_rows
from app.store.session import engine_for
from app.store.unit_of_work import unit_of_work
from tests.benchmarks.measuring import markdown, publish, where_and_when

COMMAND = "python -m tests.benchmarks.audit_chain"
EVENTS, WRITERS, EACH, ROUNDS = 1_000_000, 8, 200, 5
VERIFY = """
import json, resource, sys
from app.cli import main
sys.argv[1:] = ["audit", "verify", "--json"]
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss}), file=sys.stderr)
"""
START = datetime(2026, 1, 1, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=COMMAND)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many events to verify")
    parser.add_argument("--quick", action="store_true", help="few events: that it runs, not how fast")
    parser.add_argument("--write", action="store_true", help="put the tables into app/docs/benchmarks.md")
    given = parser.parse_args(arguments)
    events, rounds = (5_000, 1) if given.quick else (given.events, ROUNDS)
    with tempfile.TemporaryDirectory() as folder, acquire(Path(folder) / "server") as server:
        engine = engine_for(server.url, pool_size=WRITERS)
        with engine.begin() as connection:
            migrate(connection)
        runtime = Runtime(engine, ReferenceMatcher(), shipped_catalogue())
        written = [(writers, _rates(runtime, writers, 5 if given.quick else EACH, rounds)) for writers in (1, WRITERS)]
        copied = _seconds(lambda: _copy(runtime, events))
        engine.dispose()
        runs = [_verified(server.url, events) for _ in range(rounds)]
    text = "\n\n".join(
        [
            f"`{COMMAND}`, {where_and_when('cryptography', 'psycopg')}. Medians of {rounds} rounds.",
            _verification_table(events, copied, runs),
            _writing_table(written),
        ]
    )
    publish("audit chain", text, write=given.write)


def _events(first: int, count: int, previous: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield events like those of the product: approvals, received conversions and partners."""
    rng = random.Random(20261125)
    for seq in range(first, first + count):
        at = write_instant(START + timedelta(microseconds=seq * 1_234_567))
        shared = {"at": at, "actor": f"key {seq % 40}", "reason": None, "before": None, "request": f"{seq:016x}"}
        contract, hashed = f"contract-{seq % 3000}", rng.randbytes(32).hex()
        event = (
            {
                "action": "contract_version.approved",
                "subject": f"{contract}/{seq % 9 + 1}",
                "summary": f"{contract}/{seq % 9 + 1} approved by key {seq % 40}, in force from {at}; 12 conversions to decide again",
                "after": {"effective_from": at, "content_hash": hashed, "conversions_touched": seq % 97},
            },
            {
                "action": "conversions.received",
                "subject": f"program-{seq % 50}",
                "summary": f"program-{seq % 50}: 5,000 conversions received",
                "after": {"accepted": 5000, "duplicate": 3, "refused": 0, "first": f"o{seq}", "hash": hashed},
            },
            {
                "action": "partner.created",
                "subject": f"partner-{seq}",
                "summary": f"Partner partner-{seq} created",
                "after": {"name": f"Größe & Søn Nº {seq}"},
            },
        )[seq % 3]
        body = event_body(seq, {**shared, **event})
        previous = event_hash(previous, body)
        yield body.decode(), previous


def _copy(runtime: Runtime, count: int) -> None:
    with unit_of_work(runtime.bind) as session:
        head = current_head(session)
        add_rows(session, "audit_events", ("body", "hash"), _events(head.seq + 1, count, head.hash))


@dataclass(frozen=True, slots=True)
class Run:
    """What one `termline audit verify` took: seconds on the wall and of its own CPU, and memory in MB."""

    wall: float
    cpu: float
    memory: float


def _verified(url: str, least: int) -> Run:
    environment = {**os.environ, "DATABASE_URL": url}
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", VERIFY], env=environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    found = json.loads(done.stdout)
    assert found["ok"], found
    assert found["events"] >= least, found
    used = json.loads(done.stderr.splitlines()[-1])
    return Run(wall, used["cpu"], used["memory"] / 1024)


def _rates(runtime: Runtime, writers: int, each: int, rounds: int) -> tuple[list[float], list[float]]:
    """Return how many partners a second are created with the trail and without it, both in every round."""
    chained, bare = [], []
    for number in range(rounds):
        chained.append(_rate(runtime, writers, each, f"{writers}-{number}-chained"))
        with patch("app.partners.operations.create_partner.record"):
            bare.append(_rate(runtime, writers, each, f"{writers}-{number}-bare"))
    return chained, bare


def _rate(runtime: Runtime, writers: int, each: int, name: str) -> float:
    def write(writer: int) -> None:
        for number in range(each):
            with runtime.work(f"writer {writer}") as ctx:
                create_partner(ctx, id=f"{name}-{writer}-{number}")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return writers * each / _seconds(run)


def _seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _verification_table(events: int, copied: float, runs: Sequence[Run]) -> str:
    walls = [run.wall for run in runs]
    head = (
        "events",
        "wall, median s",
        "wall, all runs, s",
        "CPU of the command, s",
        "its peak memory, MB",
        "copying them in, s",
    )
    row = (
        f"{events:,}",
        f"{statistics.median(walls):.1f}",
        f"{min(walls):.1f} to {max(walls):.1f}",
        f"{statistics.median(run.cpu for run in runs):.1f}",
        f"{max(run.memory for run in runs):.0f}",
        f"{copied:.0f}",
    )
    load = f"Other work kept {os.getloadavg()[1]:.1f} processes busy on the {os.cpu_count()} cores in the last five minutes."
    return f"{markdown(head, [row])}\n\n{load}"


def _writing_table(written: Sequence[tuple[int, tuple[list[float], list[float]]]]) -> str:
    head = ("writers", "changes per s, with the trail", "without it", "with ÷ without")
    return markdown(
        head,
        [
            (
                writers,
                f"{statistics.median(chained):.0f}",
                f"{statistics.median(bare):.0f}",
                f"{statistics.median(a / b for a, b in zip(chained, bare, strict=True)):.2f}",
            )
            for writers, (chained, bare) in written
        ],
    )


if __name__ == "__main__":
    main()
