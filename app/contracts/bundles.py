"""Versions that belong together: a promotion and what follows it, a term and its end. They share one fate. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.contracts.errors import PartOfBundle
from app.store.models import ContractVersion


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
