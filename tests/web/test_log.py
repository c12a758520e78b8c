"""The log of a server process holds what went wrong and nothing that was sent."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import structlog
from app import log

log.configure()
def fail(secret):
    raise RuntimeError("oops")
key = "tl_" + "secret"
try:
    fail(key)
except RuntimeError as error:
    structlog.get_logger().error("request.failed", request="r1", exc_info=error)
"""


def test_a_fault_is_one_line_of_json_without_local_variables() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    (line,) = run.stderr.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["level"], logged["request"]) == ("request.failed", "error", "r1")
    assert "RuntimeError: oops" in logged["exception"]
    assert "tl_secret" not in line
