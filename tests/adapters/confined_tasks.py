"""Tasks for a confined process: what goes wrong with an engine, and what can be seen from inside. The tests run them."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import durable_rules_engine


def compile_definition(definition: str) -> None:
    """Have the engine compile a definition of its own kind as it is."""
    durable_rules_engine.create_ruleset("raw", definition)


def assert_raw(definition: str, *facts: str) -> None:
    """Have the engine compile a definition and evaluate facts."""
    handle = durable_rules_engine.create_ruleset("raw", definition)
    for fact in facts:
        durable_rules_engine.assert_fact(handle, fact)


def eat_memory() -> None:
    """Have the engine compile more and more, as a definition far too large would."""
    rule: dict[str, Any] = {"all": [{"m": {"$and": [{f"f{n}": n} for n in range(100)]}}]}
    for at in range(10**9):
        rules = {f"r{n}": rule for n in range(60)}
        durable_rules_engine.create_ruleset(f"s{at}", json.dumps(rules))


def allocate(megabytes: int) -> None:
    """Take memory in one piece."""
    bytearray(megabytes * 2**20)


def sleep(seconds: float) -> None:
    """Do nothing for a while, without using CPU."""
    time.sleep(seconds)


def end_by(signal_name: str) -> None:
    """End by a signal."""
    os.kill(os.getpid(), signal.Signals[signal_name])


def leave(status: int) -> None:
    """End with a status and without a word."""
    os._exit(status)


def say(words: str) -> None:
    """Raise something."""
    raise ValueError(words)


def write_into(path: str) -> None:
    """Write a file."""
    Path(path).write_text("was here", encoding="utf-8")


def look_around() -> None:
    """Raise what the process has: its open files and its environment."""
    files = sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}"))
    raise ValueError(json.dumps({"files": files, "environment": dict(os.environ), "folder": os.getcwd()}))
