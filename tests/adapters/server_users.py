"""Processes that use the embedded server, and what can be seen of the server from outside.

What is expected of them is in the tests.
"""

import os
import select
import subprocess
import sys
from pathlib import Path

import psycopg

from app.adapters import unprivileged
from app.adapters.file_locks import open_lock, try_lock

ROOT = Path(__file__).parents[2]
NOBODY = 65534
USER = """
import sys
from pathlib import Path
import psycopg
from app.adapters.embedded_postgres import acquire
handle = acquire(Path(sys.argv[1]))
with psycopg.connect(handle.url.replace("+psycopg", "")):
    print("connected", flush=True)
sys.stdin.read()
"""


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""))


def greet(url: str) -> tuple | None:
    with connect(url) as connection:
        return connection.execute(
            "select datname, pg_encoding_to_char(encoding), datlocale from pg_database"
            " where datname = current_database()"
        ).fetchone()


def start_user(home: Path, as_nobody: bool = False) -> subprocess.Popen[str]:
    # Nobody may read everything here, because the Python under test may lie where only root goes.
    numbers = map(str, (NOBODY, NOBODY, unprivileged.CAP_DAC_READ_SEARCH))
    launcher = [sys.executable, "-I", "-S", unprivileged.__file__, *numbers, "/"] if as_nobody else []
    return subprocess.Popen(
        [*launcher, sys.executable, "-c", USER, str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_line(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    assert user.stderr is not None
    assert select.select([user.stdout], [], [], 60)[0]
    return user.stdout.readline().strip() or user.stderr.read()


def end_user(user: subprocess.Popen[str]) -> None:
    user.communicate(timeout=60)


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split()[2] != "Z"


def is_served(home: Path) -> bool:
    """Whether any server process is left: by the lock they hold, and by the folder they work in."""
    path = home / "postgres/server.lock"
    if not path.exists():
        return False
    lock = open_lock(path)
    is_held = not try_lock(lock)
    os.close(lock)
    listed = subprocess.run(["pgrep", "-x", "postgres"], capture_output=True, text=True).stdout.split()
    folders = [Path(f"/proc/{pid}/cwd") for pid in listed if is_alive(int(pid))]
    assert is_held == any(os.path.realpath(folder) == str(home / "postgres/data") for folder in folders)
    return is_held


def listens_on_tcp(home: Path) -> bool:
    return bool((home / "postgres/data/postmaster.pid").read_text().splitlines()[5].strip())


def status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
