"""The embedded PostgreSQL server: its data folder, its start, and its stop when the last process lets go.

No SQL, schema or connection lives here: callers get a URL.

Three flocks carry the life of a server, because the kernel drops them however a process ends:

- `start.lock`, exclusive: held while somebody starts or stops the server.
- `users.lock`, shared: held by each process that uses it. Who can make it exclusive is the last one.
- `postgres/server.lock`, exclusive: inherited by every process of the server. Free means that none is left.
  A process number in `postmaster.pid` cannot tell: after a crash it may belong to another program.
"""

import atexit
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.adapters.file_locks import moments, open_lock, try_lock
from app.adapters.postgres_programs import DatabaseUnavailable, Programs, log_tail

__all__ = ["DatabaseUnavailable", "ServerHandle", "acquire"]

PATIENCE_S = 30
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # macOS; Linux allows 107
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")  # the least question that a server answers, with yes or no
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",  # the data folder; relative, so never too long for the server itself
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # No replica is ever fed from here: what is written to a table of the same transaction need not be logged as well.
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def acquire(home: Path) -> "ServerHandle":
    """Return a handle on the server of this home, which is started if it does not run.

    A forked child may use its parent's URL and never stops the server; a child that acquires is a user of its
    own. Raise DatabaseUnavailable when the folder, the programs or the server cannot be had.
    """
    try:
        home = home.expanduser().resolve()
        with _guard:
            use = _uses.get(home)
            if use is None or use.pid != os.getpid():
                use = _Use(home, inherited=_uses.pop(home, None))
            use.enter()
            _uses[home] = use
    except OSError as error:
        raise DatabaseUnavailable(f"{home} has to be a folder that we can write to, but: {error}.") from error
    return ServerHandle(use)


class ServerHandle:
    """One use of the server, released at the end of the block or of the process; twice does no harm."""

    def __init__(self, use: "_Use") -> None:
        self.url = f"postgresql+psycopg://postgres@/termline?host={use.socket_folder}&port=5432"
        self._use: _Use | None = use

    def release(self) -> None:
        """Let go of the server; the last use of the last process stops it."""
        use, self._use = self._use, None
        if use is not None:
            use.leave()

    def __enter__(self) -> "ServerHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class _Use:
    """The share of this process in the server of one home, however many handles it gave out."""

    def __init__(self, home: Path, inherited: "_Use | None") -> None:
        if inherited is not None:
            inherited.close()  # copies in a forked child, through which its parent's locks would outlive it
        self.place, self.pid, self.handles = home / "postgres", os.getpid(), 0
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.start_lock, self.users_lock = open_lock(home / "start.lock"), open_lock(home / "users.lock")
        self.socket_folder = self.place / "data"

    def enter(self) -> None:
        try:
            with self._sole_starter():
                fcntl.flock(self.users_lock, fcntl.LOCK_SH)
                try:
                    self.socket_folder = _socket_folder(self.place / "data")
                    _ensure_running(self.place, self.socket_folder)
                except BaseException:
                    self._give_up_share()
                    raise
        except BaseException:
            if self.handles == 0:
                self.close()
            raise
        self.handles += 1
        if self.handles == 1:
            atexit.register(self.end)

    def leave(self) -> None:
        with _guard:
            self.handles -= 1
            if self.handles == 0:
                self.end()

    def end(self) -> None:
        if self.pid != os.getpid():
            return  # a forked child that inherited our handles and our atexit
        atexit.unregister(self.end)
        _uses.pop(self.place.parent, None)
        self.handles = 0
        with self._sole_starter():
            self._give_up_share()
        self.close()

    def close(self) -> None:
        os.close(self.start_lock)
        os.close(self.users_lock)

    def _give_up_share(self) -> None:
        if self.handles == 0:
            if try_lock(self.users_lock):
                _stop(self.place, self.socket_folder)
            fcntl.flock(self.users_lock, fcntl.LOCK_UN)  # a forked child may hold a copy, so closing is not enough

    @contextmanager
    def _sole_starter(self) -> Iterator[None]:
        if not any(try_lock(self.start_lock) for _ in moments(4 * PATIENCE_S)):
            raise DatabaseUnavailable(f"another process keeps start.lock beside {self.place} for too long.")
        try:
            yield
        finally:
            fcntl.flock(self.start_lock, fcntl.LOCK_UN)


_uses: dict[Path, _Use] = {}
_guard = threading.Lock()


def _ensure_running(place: Path, socket_folder: Path) -> None:
    with _server_lock(place) as lock:
        for _ in moments(PATIENCE_S):
            if try_lock(lock):
                return _start(Programs(place, lock))
            if _is_ready(place / "data", socket_folder):
                return None
    raise DatabaseUnavailable(f"a server in {place} neither answers nor ends.\n{log_tail(place / 'server.log')}")


def _start(programs: Programs) -> None:
    data = programs.place / "data"
    if programs.log.exists():
        programs.log.replace(programs.log.with_suffix(".log.old"))
    if not data.exists():
        _initialise(programs)
    _check_major(data, programs.major)
    # We hold server.lock, so these are leftovers of a crash. PostgreSQL would refuse to start if the process
    # number in one of them were in use again.
    for leftover in ("postmaster.pid", SOCKET, f"{SOCKET}.lock"):
        (data / leftover).unlink(missing_ok=True)
    settings = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    programs.run("pg_ctl", "start", "-D", "data", "-w", "-t", str(PATIENCE_S), "-o", settings)


def _initialise(programs: Programs) -> None:
    """Make the data folder under another name and rename it when complete: it is never seen half-made."""
    unfinished = programs.place / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    if programs.account is not None:
        os.chown(unfinished, *programs.account)
    # The builtin C.UTF-8 sorts by code point, alike on every platform.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    programs.run("initdb", "-D", unfinished.name, "-U", "postgres", "--auth=trust", *locale)
    single = ("--single", "-c", "exit_on_error=on", "-D", unfinished.name, "postgres")
    programs.run("postgres", *single, given="CREATE DATABASE termline;\n")
    unfinished.rename(programs.place / "data")


def _check_major(data: Path, ours: str) -> None:
    stamp = data / "PG_VERSION"
    found = f"of PostgreSQL {stamp.read_text().strip()}" if stamp.exists() else "without a PG_VERSION file"
    if found != f"of PostgreSQL {ours}":
        raise DatabaseUnavailable(
            f"{data} holds data {found}, and this is PostgreSQL {ours}. Move that folder away to begin anew; "
            "to keep the data, dump it with the version that wrote it."
        )


def _stop(place: Path, socket_folder: Path) -> None:
    """Ask for a fast shutdown, as `pg_ctl stop -m fast` does, and wait until no server process is left.

    Asked again every second, because a server interrupted at its start may not have written its number yet.
    """
    if place.exists():  # else it was removed under the server, which notices that and ends by itself
        with _server_lock(place) as lock:
            for moment in moments(PATIENCE_S):
                if try_lock(lock):
                    break
                if moment % 100 == 0:
                    _signal(place / "data", signal.SIGINT if moment < 2000 else signal.SIGQUIT)
    if socket_folder.is_symlink():
        socket_folder.unlink()


def _signal(data: Path, how: signal.Signals) -> None:
    with suppress(OSError, ValueError, IndexError):
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), how)


def _is_ready(data: Path, socket_folder: Path) -> bool:
    """Whether the server says so and answers: its file outlives a crash, its answer precedes recovery."""
    try:
        status = (data / "postmaster.pid").read_text().splitlines()[-1]
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            probe.connect(str(socket_folder / SOCKET))
            probe.sendall(SSL_REQUEST)
            answer = probe.recv(1)
    except (OSError, IndexError):
        return False
    return status.strip() == "ready" and answer in (b"N", b"S")


def _socket_folder(data: Path) -> Path:
    """Return the data folder under a name that fits a socket address and a URL, if need be a link in /tmp."""
    if _is_plain(data):
        return data
    name = f"termline-{os.geteuid()}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    alias = next(path for path in (Path(tempfile.gettempdir(), name), Path("/tmp", name)) if _is_plain(path))
    if not alias.is_symlink():
        alias.symlink_to(data)
    if alias.lstat().st_uid != os.geteuid() or alias.readlink() != data:
        raise DatabaseUnavailable(f"{alias} is not ours; it should lead to {data}, a path unfit for a socket.")
    return alias


def _is_plain(folder: Path) -> bool:
    path = str(folder / SOCKET)
    return len(path) <= LONGEST_SOCKET_PATH and re.fullmatch(r"[A-Za-z0-9_./-]+", path) is not None


@contextmanager
def _server_lock(place: Path) -> Iterator[int]:
    lock = open_lock(place / "server.lock")
    try:
        yield lock
    finally:
        os.close(lock)
