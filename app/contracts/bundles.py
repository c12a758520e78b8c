"""Versions that belong together: a promotion and what follows it, a term and its end. They share one fate. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.contracts.errors import PartOfBundle
from app.store.models import ContractVersion, RuleVersion


def bundle_of(versions: Sequence[ContractVersion], version: ContractVersion) -> list[ContractVersion]:
    """Return the versions that are submitted, approved, rejected, withdrawn and retired with one, it among them.

    What an edit has taken out of its bundle is withdrawn and shares nothing any more.
    """
    if version.bundle is None:
        return [version]
    return [
        other
        for other in versions
        if other.bundle == version.bundle and (other.id == version.id or other.state == version.state)
    ]


def leader_of(versions: Sequence[ContractVersion], version: ContractVersion) -> ContractVersion:
    """Return the first version of a bundle: the one people edit."""
    return next((other for other in versions if other.number == version.bundle), version)


def refuse_follower(version: ContractVersion) -> None:
    """The end of a term is changed by editing the version whose term it is."""
    if version.kind == "expiry":
        raise PartOfBundle(
            f"{version.id} is the end of the term of version {version.bundle}. Change ends_on or renewal of that one."
        )


def refuse_part(version: ContractVersion, rule: RuleVersion) -> None:
    """What was drafted with a contract version is submitted, edited, rejected and withdrawn with it: by itself it would
    leave the version without these rules."""
    if version.recorded_at is None:
        raise PartOfBundle(
            f"{rule.id} is a part of {version.id}, which is {version.state}. Do it to that one: its rules go with it."
        )
