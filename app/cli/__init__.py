"""The `termline` command. Each subcommand is a file; what they share is in `terminal.py`."""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType

from flask.cli import AppGroup

from app.cli.apply import apply
from app.cli.audit import audit
from app.cli.bill import bill
from app.cli.check import check
from app.cli.close import close
from app.cli.count import count
from app.cli.demo import demo
from app.cli.diff import diff
from app.cli.explain import explain
from app.cli.export import export
from app.cli.import_ import import_
from app.cli.invoice import invoice
from app.cli.jobs import jobs
from app.cli.journal import journal
from app.cli.key import key
from app.cli.migrate import migrate
from app.cli.pack import pack
from app.cli.quote import quote
from app.cli.rates import rates
from app.cli.reconcile import reconcile
from app.cli.replay import replay
from app.cli.run import run
from app.cli.schema import schema
from app.cli.serve import serve
from app.cli.statement import statement
from app.cli.terms import terms
from app.cli.timeline import timeline
from app.cli.worker import worker

COMMANDS = (
    *(demo, serve, worker, jobs, migrate, key, import_, count, rates, check, schema, quote, replay, pack),
    *(terms, timeline, diff, export, apply, bill, run, close, statement, invoice, journal, reconcile, explain, audit),
)

group = AppGroup(
    "termline",
    help="Partner terms as effective-dated rules, paid to the cent and explained line by line.",
    epilog="The database is the one DATABASE_URL names; without it a PostgreSQL server of its own is started on the "
    "folder TERMLINE_HOME (.termline). Exit status: 0 done, 1 something differs, 2 the input is wrong, 3 a fault.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for command in COMMANDS:
    group.add_command(command)


def main() -> None:
    """Run the command line. A termination request ends it as an interrupt would, so that everything is let go of."""
    signal.signal(signal.SIGTERM, _leave)
    # Commands hold many small objects for long, hardly any in cycles: looking through them less often saves a tenth.
    gc.set_threshold(100_000, 50, 100)
    group(prog_name="termline")


def _leave(signal_number: int, frame: FrameType | None) -> None:
    sys.exit(128 + signal_number)
