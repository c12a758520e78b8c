"""Loading the packs that travel with the product, and the tests beside them. What they mean is `rulelang/packs.py`'s."""

from __future__ import annotations

from functools import cache

from app.adapters.fact_files import shipped_catalogue
from app.adapters.yaml_files import Document, MalformedYaml, read_yaml
from app.core.errors import AppError
from app.core.resources import shipped
from app.rulelang.diagnostics import Findings, did_you_mean
from app.rulelang.packs import Pack, read_pack


class PackNotFound(AppError):
    """There is no pack of that name."""

    code = "pack_not_found"
    kind = "not_found"


def pack_names() -> list[str]:
    """Return the names of all packs, in order."""
    return sorted(path.parent.name for path in shipped("rules", "packs").glob("*/pack.yaml"))


@cache
def shipped_pack(name: str) -> Pack:
    """Return a pack. Raises PackNotFound, or MalformedYaml with everything that is wrong with its file."""
    if name not in pack_names():
        hint = did_you_mean(name, pack_names())
        raise PackNotFound(f"There is no pack {name!r}{f' ({hint})' if hint else ''}. See `termline pack list`.")
    document, findings = read_yaml(shipped("rules", "packs", name, "pack.yaml")), Findings()
    pack = read_pack(name, document.data, shipped_catalogue(), findings)
    if pack is None:
        raise MalformedYaml(document.located(findings.errors), findings.errors)
    return pack


def pack_tests(name: str) -> Document:
    """Return the file of tests beside a pack."""
    return read_yaml(shipped("rules", "packs", shipped_pack(name).name, "tests.yaml"))
