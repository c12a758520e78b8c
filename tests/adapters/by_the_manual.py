"""durable used as its manual shows, in a process of its own under limits; and the product asked the same question."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from app.adapters.durable_matcher import DurableMatcher
from tests.builders.conditions import condition, facts, one_rule

MANUAL = """
import datetime, json, sys, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), resource.RLIM_INFINITY))
resource.setrlimit(resource.RLIMIT_AS, (2**30, resource.RLIM_INFINITY))
from durable.engine import Host
class Quiet(Host):
    def _run(self): pass
fired = []
def noting(name):
    def act(c): fired.append(name)
    return act
def hosting(rules):
    host = Quiet()
    host.register_rulesets({"x": {n: {"all": [{"m": c}], "run": noting(n)} for n, c in rules.items()}})
    return host
def tried(call, *given):
    try:
        call(*given)
    except BaseException as error:
        print(type(error).__name__, error)
def run(rules, fact):
    tried(hosting(rules).assert_fact, "x", fact)
    print(*fired)
"""


def by_the_manual(script: str, *, cpu_seconds: int = 5) -> str:
    """Return what a script prints that comes to its end."""
    done = _ran(script, cpu_seconds)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.strip()


def ended_by(script: str, *, cpu_seconds: int = 5, **environment: str) -> str:
    """Return the signal that ends a script: SIGXCPU if it was not done after so much CPU time."""
    code = _ran(script, cpu_seconds, **environment).returncode
    return signal.Signals(-code).name if code < 0 else f"status {code}"


def _ran(script: str, cpu_seconds: int, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", MANUAL + script, str(cpu_seconds)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def matches(when: Any, given: dict[str, Any]) -> bool:
    """Tell whether the product's matcher finds a rule with this condition true."""
    matcher = DurableMatcher()
    try:
        return matcher.matched(one_rule(condition(when)), facts(given)) == {"r"}
    finally:
        matcher.close()
