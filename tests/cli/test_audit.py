"""`termline audit`: a key, a checkpoint, and a trail that is whole until somebody tampers with it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import Engine, text

from app.cli import group
from app.store.session import engine_for

Termline = Callable[..., Result]


@pytest.fixture
def termline(fresh_database: str) -> Termline:
    """Run the command on the module's database."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(group, [str(each) for each in arguments], env={"DATABASE_URL": fresh_database})

    return run


@pytest.fixture
def owner(fresh_database: str, termline: Termline) -> Iterator[Engine]:
    """The owner of a database with a few events; what the test does to them is put right afterwards."""
    for name in ("ann", "ben", "zoe"):
        termline("key", "create", "--role", "ops", "--name", name)
    engine = engine_for(fresh_database)
    with engine.begin() as connection:
        kept = list(connection.execute(text("SELECT body, hash FROM audit_events ORDER BY seq")))
        head = connection.execute(text("SELECT * FROM audit_head")).one()
    yield engine
    as_owner(engine, "DELETE FROM audit_events")
    with engine.begin() as connection:
        for name in ("audit_events", "audit_head"):
            connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        add = text("INSERT INTO audit_events (body, hash) VALUES (:body, :hash)")
        connection.execute(add, [row._asdict() for row in kept])
        connection.execute(text("DELETE FROM audit_head"))
        connection.execute(text("INSERT INTO audit_head VALUES (:id, :installation, :seq, :hash)"), head._asdict())
        for name in ("audit_events", "audit_head"):
            connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
    engine.dispose()


def as_owner(engine: Engine, *statements: str) -> None:
    """Do something to the trail that its triggers refuse."""
    with engine.begin() as connection:
        for name in ("audit_events", "audit_head"):
            connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement))
        for name in ("audit_events", "audit_head"):
            connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))


def kinds(result: Result) -> list[tuple[str, int]]:
    """The breaks that `verify --json` prints."""
    return [(each["kind"], each["seq"]) for each in json.loads(result.stdout)["breaks"]]


def test_a_trail_nobody_touched_is_whole(termline: Termline, owner: Engine) -> None:
    said = termline("audit", "verify")
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("3 events, nothing wrong. The head is 3, ")
    found = json.loads(termline("audit", "verify", "--json").stdout)
    assert (found["ok"], found["events"], found["seq"], found["breaks"]) == (True, 3, 3, [])
    assert found["hash"] in said.stdout


def test_what_was_changed_is_named_with_place_and_hashes(termline: Termline, owner: Engine) -> None:
    as_owner(owner, "UPDATE audit_events SET body = replace(body, 'Key ben', 'Key eve') WHERE seq = 2")
    said = termline("audit", "verify")
    assert said.exit_code == 1
    assert "3 events, 1 break." in said.stdout
    assert "changed at 2" in said.stdout
    assert "expected " in said.stdout
    assert kinds(termline("audit", "verify", "--json")) == [("changed", 2)]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM audit_events WHERE seq = 1", ("missing", 1)),
        ("DELETE FROM audit_events WHERE seq = 2", ("missing", 2)),
        ("DELETE FROM audit_events WHERE seq = 3", ("cut", 3)),
        ("DELETE FROM audit_events", ("cut", 1)),
        ("DELETE FROM audit_head", ("head_differs", 0)),
        ("UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit_events WHERE seq = 2)", ("inserted", 3)),
    ],
)
def test_what_is_done_in_raw_sql_is_found(
    termline: Termline, owner: Engine, statement: str, found: tuple[str, int]
) -> None:
    as_owner(owner, statement)
    result = termline("audit", "verify", "--json")
    assert result.exit_code == 1, result.output
    assert kinds(result)[0] == found


@pytest.fixture
def key(termline: Termline, tmp_path: Path) -> tuple[Path, str]:
    """A private key's file, and its public key."""
    file = tmp_path / "finance.pem"
    made = termline("audit", "keygen", "--output", file)
    assert made.exit_code == 0, made.output
    return file, made.stdout.strip()


def test_a_key_is_written_for_its_owner_only_and_never_over_another(
    termline: Termline, key: tuple[Path, str], tmp_path: Path
) -> None:
    file, public = key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    loaded = load_pem_private_key(file.read_bytes(), None)
    assert loaded.public_key().public_bytes_raw().hex() == public  # type: ignore[union-attr]
    before = file.read_bytes()
    assert termline("audit", "keygen", "--output", file).exit_code == 2
    assert file.read_bytes() == before
    assert set(json.loads(termline("audit", "keygen", "--json", "--output", tmp_path / "b.pem").stdout)) == {
        "public_key",
        "file",
    }


def test_a_checkpoint_is_signed_over_its_canonical_form(
    termline: Termline, owner: Engine, key: tuple[Path, str]
) -> None:
    document = json.loads(termline("audit", "checkpoint", "--key", key[0]).stdout)
    head = json.loads(termline("audit", "verify", "--json").stdout)
    assert [document[name] for name in ("seq", "hash", "installation", "public_key")] == [
        head["seq"],
        head["hash"],
        head["installation"],
        key[1],
    ]
    signature = bytes.fromhex(document.pop("signature"))
    # Written out by hand: the canonical form of five texts and a number has its keys in order and no blanks.
    signed = (
        f'{{"at":"{document["at"]}","hash":"{document["hash"]}","installation":"{document["installation"]}",'
        f'"public_key":"{document["public_key"]}","seq":{document["seq"]}}}'
    )
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key[1]))
    public.verify(signature, b"termline/audit-checkpoint/1\x00" + signed.encode())


def test_only_a_checkpoint_shows_a_tail_that_was_cut_with_its_head(
    termline: Termline, owner: Engine, key: tuple[Path, str], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    assert "3 events signed" in termline("audit", "checkpoint", "--key", key[0], "--output", kept).stdout
    with_checkpoint = ("audit", "verify", "--checkpoint", kept, "--public-key", key[1])
    assert "1 checkpoint fits." in termline(*with_checkpoint).stdout
    as_owner(
        owner,
        "DELETE FROM audit_events WHERE seq = 3",
        "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit_events WHERE seq = 2)",
    )
    assert termline("audit", "verify").exit_code == 0
    found = termline(*with_checkpoint, "--json")
    assert (found.exit_code, kinds(found)) == (1, [("cut", 3)])


def test_a_checkpoint_that_was_changed_or_signed_by_others_is_told_apart(
    termline: Termline, owner: Engine, key: tuple[Path, str], tmp_path: Path
) -> None:
    file, public = key
    kept = tmp_path / "kept.json"
    termline("audit", "checkpoint", "--key", file, "--output", kept)
    document = json.loads(kept.read_text())
    for name, other in (("seq", 2), ("hash", "0" * 64), ("at", "1997-01-01T00:00:00Z"), ("signature", "0" * 128)):
        kept.write_text(json.dumps({**document, name: other}))
        found = termline("audit", "verify", "--json", "--checkpoint", kept)
        assert (found.exit_code, [kind for kind, _ in kinds(found)]) == (1, ["bad_signature"]), name
    kept.write_text(json.dumps(document))
    other = termline("audit", "keygen", "--output", tmp_path / "other.pem").stdout.strip()
    assert kinds(termline("audit", "verify", "--json", "--checkpoint", kept, "--public-key", other)) == [
        ("bad_signature", 3)
    ]
    both = termline("audit", "verify", "--checkpoint", kept, "--public-key", other, "--public-key", public)
    assert both.exit_code == 0
    unvouched = termline("audit", "verify", "--checkpoint", kept)
    assert unvouched.exit_code == 0
    assert f"Signed with {public}" in unvouched.stdout


def test_public_keys_come_as_files_too(
    termline: Termline, owner: Engine, key: tuple[Path, str], tmp_path: Path
) -> None:
    kept, pem, digits = tmp_path / "kept.json", tmp_path / "public.pem", tmp_path / "public.txt"
    termline("audit", "checkpoint", "--key", key[0], "--output", kept)
    loaded = load_pem_private_key(key[0].read_bytes(), None).public_key()
    pem.write_bytes(loaded.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    digits.write_text(key[1] + "\n")
    for file in (pem, digits):
        assert termline("audit", "verify", "--checkpoint", kept, "--public-key", file).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "has the fields"),
        ("[1]", "has the fields"),
        ("nonsense", "is not JSON"),
        (
            json.dumps(
                {"installation": "x", "seq": True, "hash": "", "at": "", "public_key": "", "signature": ""},
            ),
            "whole number",
        ),
        (
            json.dumps(
                {
                    "installation": "x",
                    "seq": 1,
                    "hash": "",
                    "at": "1997-01-01T00:00:00Z",
                    "public_key": "",
                    "signature": "",
                }
            ),
            "64 hex digits",
        ),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(termline: Termline, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "kept.json"
    file.write_text(content)
    refused = termline("audit", "verify", "--checkpoint", file)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert str(file) in refused.stderr


def test_a_file_that_is_no_key_is_refused(termline: Termline, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    rsa = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"nonsense", b"", rsa):
        file.write_bytes(content)
        assert "no Ed25519 private key" in termline("audit", "checkpoint", "--key", file).stderr
    assert termline("audit", "checkpoint", "--key", tmp_path / "absent").exit_code == 2
    assert "no public key" in termline("audit", "verify", "--public-key", "xyz").stderr


def test_help_is_for_people(termline: Termline) -> None:
    assert "--checkpoint" in termline("audit", "verify", "--help").stdout
    for name in ("verify", "checkpoint", "keygen"):
        assert termline("audit", name, "--help").exit_code == 0
