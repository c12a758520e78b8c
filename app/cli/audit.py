"""`termline audit verify`, `termline audit checkpoint`, `termline audit keygen`"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import orjson

from app.audit.checkpoint import (
    Checkpoint,
    new_signing_key,
    public_key_of,
    read_checkpoint,
    read_public_key,
    signed_checkpoint,
)
from app.audit.describe import verified_data
from app.audit.errors import CheckpointRefused
from app.audit.operations.verify_trail import verify_trail
from app.audit.repository import current_head, head_place
from app.audit.verification import MAX_LISTED, Verified
from app.cli.files import FileRefused, read_json
from app.cli.terminal import actor, as_json, counted, print_json, progress, refusals_shown, runtime

File = click.Path(dir_okay=False, path_type=Path)


@click.group()
def audit() -> None:
    """The audit trail: who did what, when and why, chained so that nobody can change it unseen."""


@audit.command()
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=File,
    help="A checkpoint that was kept elsewhere: the chain must still hold exactly what it says. Can be given again.",
)
@click.option(
    "--public-key",
    "keys",
    multiple=True,
    help="Whose checkpoints are believed: 64 hex digits as keygen prints them, or a file that holds them or a PEM key.",
)
@as_json
@refusals_shown
def verify(files: tuple[Path, ...], keys: tuple[str, ...], is_json: bool) -> None:
    """Walk along the whole audit trail and say what was changed, deleted, inserted, moved or cut off.

    Whoever owns the database can rewrite the trail and its head together. That shows only against a checkpoint that was
    kept elsewhere. Exit status 1 when anything is wrong.
    """
    checkpoints = [_read_checkpoint(path) for path in files]
    public_keys = [_read_key(key) for key in keys]
    with runtime() as opened, opened.work(actor()) as ctx, progress("events", head_place(ctx.session)) as advance:
        found = verify_trail(ctx, checkpoints=checkpoints, public_keys=public_keys, progress=advance)
    if is_json:
        print_json({**verified_data(found), "checkpoints": len(checkpoints)})
    else:
        _say(found, checkpoints, is_vouched=bool(public_keys))
    if not found.is_whole:
        sys.exit(1)


@audit.command()
@click.option("--key", "key_file", required=True, type=File, help="The private key to sign with, from keygen.")
@click.option("--output", type=File, help="Where to write it; standard output when left out.")
@refusals_shown
def checkpoint(key_file: Path, output: Path | None) -> None:
    """Sign where the audit trail ends now, as a small JSON document.

    Keep it where whoever runs the database cannot change it, and give it to `termline audit verify` later. Only a trail
    that has been verified is worth a signature.
    """
    pem = _bytes_of(key_file)
    with runtime() as opened, opened.work(actor()) as ctx:
        document = signed_checkpoint(current_head(ctx.session), ctx.now(), pem)
    written = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if output is None:
        click.echo(written, nl=False)
    else:
        _write(output, written, 0o644)
        click.echo(f"{counted(document['seq'], 'event')} signed: {output}")


@audit.command()
@click.option("--output", required=True, type=File, help="The file for the private key; it must not be there yet.")
@as_json
@refusals_shown
def keygen(output: Path, is_json: bool) -> None:
    """Make an Ed25519 key to sign checkpoints with, and print its public key.

    Whoever has the private key can sign another trail: keep it away from the database. The public key is for everybody.
    """
    pem = new_signing_key()
    _write(output, pem, 0o600)
    public_key = public_key_of(pem)
    if is_json:
        print_json({"public_key": public_key, "file": str(output)})
    else:
        click.echo(public_key)


def _say(found: Verified, checkpoints: list[Checkpoint], *, is_vouched: bool) -> None:
    if found.is_whole:
        click.echo(f"{counted(found.events, 'event')}, nothing wrong. The head is {found.seq}, {found.hash.hex()}.")
        if checkpoints:
            fits = "fits" if len(checkpoints) == 1 else "fit"
            click.echo(f"{counted(len(checkpoints), 'checkpoint')} {fits}.")
    else:
        click.echo(f"{counted(found.events, 'event')}, {counted(found.count, 'break')}.")
        for each in found.breaks:
            click.echo(f"  {each.kind} at {each.seq}: {each.message}")
            if each.expected is not None:
                click.echo(f"    expected {each.expected}\n    found    {each.found}")
        if found.count > MAX_LISTED:
            click.echo(f"  and {found.count - MAX_LISTED:,} more")
    if checkpoints and not is_vouched:
        signers = ", ".join(sorted({one.public_key for one in checkpoints}))
        click.echo(f"Signed with {signers}. Is that finance's key? --public-key says whose checkpoints are believed.")


def _read_checkpoint(path: Path) -> Checkpoint:
    try:
        return read_checkpoint(read_json(path))
    except CheckpointRefused as error:
        raise CheckpointRefused(f"{path}: {error.message}") from error


def _read_key(text: str) -> str:
    return read_public_key(_bytes_of(Path(text)).decode("utf-8", "replace") if Path(text).is_file() else text)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a new file, whole and with its mode from the first byte; one that is there is not overwritten."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise FileRefused(f"{path} cannot be written: {error.strerror}.") from error
