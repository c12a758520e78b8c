"""The settings of a process, read from the environment once, at the edge. Nothing below reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from app.bulk.choice import MEMORY, SettlingEngine
from app.core.errors import AppError

Engine = Literal["durable", "reference"]
Verify = Literal["always", "sample", "off"]
LEAST_PEPPER = 32
RATE, BURST = 200, 1000
LEASE_S = 30


class BadSetting(AppError):
    """A setting with a value that is not one of its values."""

    code = "bad_setting"
    kind = "invalid"


@dataclass(frozen=True, slots=True)
class Settings:
    """DATABASE_URL, TERMLINE_HOME, TERMLINE_ENGINE, TERMLINE_VERIFY, TERMLINE_RATE, TERMLINE_BURST,
    TERMLINE_KEY_PEPPER, TERMLINE_LEASE, TERMLINE_BILLING_ENGINE, TERMLINE_BULK_MEMORY and TERMLINE_BULK_SPILL."""

    # Not in the repr: it may hold a password.
    database_url: str | None = field(default=None, repr=False)
    home: Path = Path(".termline")
    engine: Engine = "durable"
    verify: Verify = "always"
    # Requests of one key, in each server process: a second in the long run, and at once.
    rate: int = RATE
    burst: int = BURST
    key_pepper: str | None = field(default=None, repr=False)
    # Seconds of silence after which a worker's jobs are others'. All workers of a database have to agree on it.
    lease_s: int = LEASE_S
    # What settles billing runs that name no engine; and of one in bulk its memory, and the folder for what that lacks.
    billing_engine: SettlingEngine = "online"
    bulk_memory: str = MEMORY
    bulk_spill: Path | None = None


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises BadSetting naming the variable."""
    return Settings(
        database_url=environment.get("DATABASE_URL") or None,
        home=Path(environment.get("TERMLINE_HOME") or ".termline"),
        engine=_choice(environment, "TERMLINE_ENGINE", get_args(Engine)),
        verify=_choice(environment, "TERMLINE_VERIFY", get_args(Verify)),
        rate=_count(environment, "TERMLINE_RATE", RATE),
        burst=_count(environment, "TERMLINE_BURST", BURST),
        key_pepper=_pepper(environment, "TERMLINE_KEY_PEPPER"),
        lease_s=_count(environment, "TERMLINE_LEASE", LEASE_S),
        billing_engine=_choice(environment, "TERMLINE_BILLING_ENGINE", get_args(SettlingEngine)),
        bulk_memory=_size(environment, "TERMLINE_BULK_MEMORY", MEMORY),
        bulk_spill=Path(spill) if (spill := environment.get("TERMLINE_BULK_SPILL")) else None,
    )


def _size(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    if not re.fullmatch("[1-9][0-9]{0,5}[MG]B", text, re.ASCII):
        raise BadSetting(f"{name} is {text!r}; it is a size such as 500MB or 3GB.")
    return text


def _pepper(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name) or None
    if value is not None and len(value) < LEAST_PEPPER:
        raise BadSetting(f"{name} has {len(value)} characters; it has at least {LEAST_PEPPER}, drawn by chance.")
    return value


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> Any:
    value = environment.get(name) or choices[0]
    if value not in choices:
        raise BadSetting(f"{name} is {value!r}; it is one of {', '.join(choices)}.")
    return value


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) >= 1):
        raise BadSetting(f"{name} is {text!r}; it is a whole number from 1 to 999999999.")
    return int(text)
