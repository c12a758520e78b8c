"""Reading the JSON files that commands are given, and writing those that they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.core.errors import AppError
from app.core.json_text import MalformedJson, parse_json


class FileRefused(AppError):
    """A file that cannot be read as what the command wants."""

    code = "file_refused"
    kind = "malformed"


def read_json(path: Path) -> Any:
    """Return the data of a JSON file. Raises FileRefused with file, line and column."""
    try:
        return parse_json(path.read_bytes())
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}.") from error
    except MalformedJson as error:
        raise FileRefused(f"{path} is not JSON: {error}.") from error


def read_bytes(path: Path) -> bytes:
    """Return what is in a file. Raises FileRefused where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}.") from error


def write_bytes(path: Path | None, data: bytes) -> None:
    """Write to a file, or print. Raises FileRefused where the file cannot be written."""
    if path is None:
        click.echo(data, nl=False)
        return
    try:
        path.write_bytes(data)
    except OSError as error:
        raise FileRefused(f"{path} cannot be written: {error.strerror}.") from error
