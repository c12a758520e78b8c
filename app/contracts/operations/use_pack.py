"""Use a pack: draft a contract version with its rules, filled with values. From then on the pack has no part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.audit.record import record
from app.contracts.errors import PackRefused
from app.contracts.operations.draft_version import draft_version
from app.contracts.repository import contract_named
from app.contracts.vocabulary import facts_of_contract
from app.core.errors import Finding
from app.rulelang.packs import Filled, Pack, filled, in_words
from app.rulesets.newest import newest_lists
from app.runtime import Context
from app.store.models import Contract, ContractVersion


@dataclass(frozen=True, slots=True)
class FromPack:
    """The draft, what it was filled with, and its rules as sentences by kind."""

    version: ContractVersion
    values: dict[str, Any]
    in_words: dict[str, list[str]]


def use_pack(
    ctx: Context,
    *,
    pack: Pack,
    contract: str,
    effective_from: str,
    values: Mapping[str, Any],
    backdated: str | None = None,
) -> FromPack:
    """Draft a version of a contract with the rules of a pack.

    Raises PackRefused with everything that is wrong with the values and everything that the pack needs and that is not
    there; what `draft_version` refuses, it refuses here too. Nothing is written then.
    """
    row = contract_named(ctx.session, contract)
    found = filled(pack, values)
    wrong = [] if isinstance(found, Filled) else found
    findings = wrong + _lacking_facts(ctx, pack, row) + _lacking_lists(ctx, pack)
    if findings or not isinstance(found, Filled):
        raise _refusal(pack, findings)
    version = draft_version(
        ctx,
        contract=contract,
        effective_from=effective_from,
        rules=found.rules,
        params=found.params,
        backdated=backdated,
    )
    record(
        ctx,
        "contract_version.filled_from_pack",
        version.id,
        f"{version.id} has the rules of the pack {pack.name}",
        after={"pack": pack.name, "values": found.values},
    )
    lists = newest_lists(ctx.session, found.rules.values()).lists
    return FromPack(version, found.values, in_words(found, facts_of_contract(ctx, row), lists))


def _lacking_facts(ctx: Context, pack: Pack, contract: Contract) -> list[Finding]:
    known = facts_of_contract(ctx, contract)
    program = contract.program_id
    return [
        Finding(
            "unknown_fact",
            f"the program {program} does not declare the fact {name!r} ({entry['meaning']})",
            hint=f"declare it first: POST /v1/programs/{program}/facts; `termline pack show {pack.name} --json` says how",
        )
        for name, entry in pack.facts.items()
        if known.get(name) is None
    ]


def _lacking_lists(ctx: Context, pack: Pack) -> list[Finding]:
    there = newest_lists(ctx.session, pack.rules.values()).lists
    return [
        Finding(
            "unknown_list",
            f"there is no list {name!r} ({pack.list_meanings[name]})",
            hint="publish it first: POST /v1/lists",
        )
        for name in pack.lists
        if name not in there
    ]


def _refusal(pack: Pack, findings: list[Finding]) -> PackRefused:
    first = findings[0]
    hint = f" ({first.hint})" if first.hint else ""
    more = f" And {len(findings) - 1} more." if len(findings) > 1 else ""
    return PackRefused(f"The pack {pack.name} cannot be used: {first.message}{hint}.{more}", findings)
