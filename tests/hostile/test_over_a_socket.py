"""A real server on a real socket: bodies that lie about their length, come in chunks, never end, or are far too large."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from sqlalchemy.engine import make_url

from app.store.session import engine_for

HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
TEN_MB = 10 * 2**20
Server = tuple[int, str]


@pytest.fixture(scope="module")
def server(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A served application: its port and a key."""
    environment = {
        **os.environ,
        "DATABASE_URL": _own_database(server_url),
        "TERMLINE_HOME": str(tmp_path_factory.mktemp("home")),
    }
    program = [sys.executable, "-c", "from app.cli import main; main()"]
    subprocess.run([*program, "migrate"], env=environment, check=True, capture_output=True)
    made = [*program, "key", "create", "--role", "admin", "--name", "hostile", "--json"]
    key = json.loads(subprocess.run(made, env=environment, check=True, capture_output=True).stdout)["key"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = Path(environment["TERMLINE_HOME"]) / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*program, "serve", "--port", str(port), "--workers", "1"], env=environment, stdout=out, stderr=out
        )
    try:
        _until_it_answers(port)
        yield port, key
        assert process.poll() is None, log.read_text()
        assert "request.failed" not in log.read_text()
    finally:
        process.terminate()
        process.wait(30)


def _own_database(url: str) -> str:
    name = f"socket_{uuid.uuid4().hex[:12]}"
    engine = engine_for(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sql(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _until_it_answers(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def answered(
    server: Server, headers: str, *parts: bytes, path: str = "/v1/rules/check", at_once: bool = True
) -> tuple[int, bytes]:
    """Send a request part by part, and return status and body, or 0 where the connection was closed without an answer.

    A server that has answered need not read on: what cannot be sent any more is left.
    """
    port, key = server
    with socket.create_connection(("127.0.0.1", port), 20) as wire:
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            wire.sendall((HEAD.format(path=path, key=key) + headers + "Connection: close\r\n\r\n").encode("latin-1"))
            for part in parts:
                wire.sendall(part)
                time.sleep(0 if at_once else 0.05)
        if not at_once:
            wire.shutdown(socket.SHUT_WR)
        found = b""
        with contextlib.suppress(ConnectionError):
            while part := wire.recv(65_536):
                found += part
    status, _, rest = found.partition(b"\r\n")
    return int(status.split()[1]) if status else 0, rest.partition(b"\r\n\r\n")[2]


def works(server: Server) -> bool:
    """Tell whether the server still checks a sound body."""
    text = b'{"kind": "attribution", "claims": "accept"}'
    return answered(server, f"Content-Length: {len(text)}\r\n", text)[0] == 200


@pytest.mark.parametrize("unit", [b"[", b"1,", b'{"a":', b" ", b"\xff", b"9", b'"'], ids=ascii)
def test_ten_megabytes_are_refused_before_they_are_read(server: Server, unit: bytes) -> None:
    start = time.monotonic()
    status, body = answered(server, f"Content-Length: {TEN_MB}\r\n", unit * (TEN_MB // len(unit)))
    assert time.monotonic() - start < 5
    assert status == 0 or (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert works(server)


def test_it_is_answered_while_the_body_is_still_to_come(server: Server) -> None:
    status, body = answered(server, f"Content-Length: {TEN_MB}\r\n", b"[")
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b"9" * 100_000, b'{"a":1,"a":2}', b'["\\ud800"]', b"", b"[NaN]", b"\xff" * 1_000]
)
def test_what_is_small_enough_is_read_and_refused(server: Server, text: bytes) -> None:
    status, body = answered(server, f"Content-Length: {len(text)}\r\n", text)
    assert (status, json.loads(body)["code"]) == (400, "malformed_json")


def test_a_chunked_body_is_read_up_to_the_limit(server: Server) -> None:
    chunked = "Transfer-Encoding: chunked\r\n"
    text = b'{"kind": "attribution", "claims": "accept"}'
    assert answered(server, chunked, b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))[0] == 200
    assert answered(server, chunked, *(b"1\r\n%c\r\n" % byte for byte in text), b"0\r\n\r\n")[0] == 200
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    status, body = answered(server, chunked, *[chunk] * 160, b"0\r\n\r\n")
    assert status == 0 or (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert works(server)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: 100\r\n", b'{"kind":'),
        ("Content-Length: 5\r\n", b'{"kind": "attribution"}'),
        ("Content-Length: -1\r\n", b"{}"),
        ("Content-Length: 1e3\r\n", b"{}"),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"{}"),
        ("Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"-1\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"5\r\n{}"),
        ("Transfer-Encoding: gzip\r\n", b"{}"),
        ("Content-Length: 2\r\nContent-Encoding: gzip\r\n", b"\x1f\x8b"),
        ("Content-Length: 2\r\nX: \x00\r\n", b"{}"),
        ("Content-Length: 2\r\n X: folded\r\n", b"{}"),
        ("Content-Length: 2\r\nX" + "a" * 100_000 + ": b\r\n", b"{}"),
        ("Content-Length: 2\r\n" + "X: y\r\n" * 1_000, b"{}"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_lie_about_the_body_is_a_refusal_or_the_end_of_the_connection(
    server: Server, headers: str, body: bytes
) -> None:
    status, _ = answered(server, headers, body, at_once=False)
    assert status == 0 or 400 <= status < 500 or status == 501
    assert works(server)


@pytest.mark.parametrize(
    "path", ["/" + "a" * 100_000, "/v1/partners?" + "a=b&" * 100_000, "/v1/\x01", "*", "http://x", "//", "/%"]
)
def test_an_address_that_is_none_is_refused(server: Server, path: str) -> None:
    status, _ = answered(server, "Content-Length: 2\r\n", b"{}", path=path)
    assert status == 0 or 300 <= status < 500
    assert works(server)
