"""Draft the next term of a contract whose term ends: the same terms from then on, with prices raised as agreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.contracts.attributes import read_uplift
from app.contracts.base import taken_over
from app.contracts.errors import NothingToRenew
from app.contracts.mapping import timezone_of
from app.contracts.operations.draft_version import record_drafted
from app.contracts.proposals import Proposal, propose, refusal
from app.contracts.repository import contract_named, is_in_timeline, version_numbered, versions_of
from app.contracts.writing import add_versions
from app.core.instants import start_of_day
from app.core.period import months_later
from app.rulelang.diagnostics import Findings
from app.rulelang.uplift import uplifted
from app.runtime import Context
from app.store.models import Contract, ContractVersion


def draft_renewal(
    ctx: Context,
    *,
    contract: str,
    months: int | None = None,
    uplift: str | Decimal | None = None,
    rules: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    reason: str | None = None,
    backdated: str | None = None,
) -> ContractVersion:
    """Draft the version that starts where the term ends. Its length and uplift are those agreed on unless given.

    The version takes the place of the end of the term when it is approved; until then the term ends there.
    """
    row = contract_named(ctx.session, contract, lock=True)
    versions = versions_of(ctx.session, contract)
    end = term_end(versions)
    if end is None:
        raise NothingToRenew(
            f"The contract {contract!r} has no term that ends: it goes on, or was renewed already. "
            "Draft a version to change its terms."
        )
    last = _last_with_terms(versions, end)
    assert last is not None  # a term ends that has begun
    renewal = dict(last.renewal or {})
    length = months or renewal.get("months")
    if length is None:
        raise NothingToRenew(f"Nothing is agreed about how long {contract!r} goes on. Say for how many `months`.")
    term_ends = _last_day_of(row, last, end)
    counted_from = date.fromisoformat(renewal.get("counted_from") or term_ends.isoformat())
    renewal = {**renewal, "mode": "fixed", "months": length, "counted_from": counted_from.isoformat()}
    percent = renewal.get("uplift", "0") if uplift is None else _percent(uplift)
    raised = {**_raised(last, end, percent), **(rules or {})}
    asked = Proposal(
        term_ends.isoformat(),
        raised,
        params or {},
        {"ends_on": next_end(counted_from, term_ends, length).isoformat(), "renewal": renewal}
        | _overage_raised(last, percent),
        "renewal",
        last.number,
        backdated,
        reason,
    )
    rows = add_versions(ctx, row, versions, [propose(ctx, row, versions, asked)])
    record_drafted(ctx, rows)
    return version_numbered(ctx.session, contract, rows[0].number)


def term_end(versions: Sequence[ContractVersion]) -> ContractVersion | None:
    """Return the approved end of the last term, or None where the contract goes on."""
    known = sorted((version for version in versions if is_in_timeline(version)), key=lambda version: version.starts_at)
    ends = known[max((at + 1 for at, version in enumerate(known) if not version.is_termination), default=0) :]
    # A term that was shortened has two ends: the first one counts.
    return ends[0] if ends and ends[0].kind == "expiry" else None


def next_end(counted_from: date, ends_on: date, months: int) -> date:
    """Return the end of the term after the one that ends on `ends_on`: whole terms counted from one day, so that the
    31st comes back after a shorter month.

    >>> next_end(date(2027, 1, 31), date(2027, 1, 31), 1), next_end(date(2027, 1, 31), date(2027, 2, 28), 1)
    (datetime.date(2027, 2, 28), datetime.date(2027, 3, 31))
    """
    gone = (ends_on.year - counted_from.year) * 12 + ends_on.month - counted_from.month
    return months_later(counted_from, gone + months)


def _last_with_terms(versions: Sequence[ContractVersion], end: ContractVersion) -> ContractVersion | None:
    """Return the version that the term ends with: an amendment may have changed the terms on the way."""
    before = [
        version
        for version in versions
        if is_in_timeline(version) and version.starts_at < end.starts_at and not version.is_termination
    ]
    return max(before, key=lambda version: version.starts_at, default=None)


def _last_day_of(contract: Contract, last: ContractVersion, end: ContractVersion) -> date:
    """Return the day on which the term ends. A version that was drafted from another base may say another one."""
    zone = timezone_of(contract)
    if last.ends_on is not None and start_of_day(last.ends_on, zone) == end.starts_at:
        return last.ends_on
    return end.starts_at.astimezone(zone).date()


def _percent(uplift: str | Decimal) -> str:
    findings = Findings()
    found = read_uplift(uplift, "/uplift", findings)
    if found is None:
        raise refusal(findings.all)
    return found


def _overage_raised(last: ContractVersion, uplift: str) -> dict[str, Any]:
    """Return what is said about deliveries with the price of overage raised; nothing where there is none."""
    price = (last.delivery or {}).get("overage_cpm")
    if price is None or last.delivery is None:
        return {}
    raised = uplifted({"kind": "payout", "otherwise": {"flat": price}}, Decimal(uplift))["otherwise"]["flat"]
    return {"delivery": {**last.delivery, "overage_cpm": raised}}


def _raised(last: ContractVersion, end: ContractVersion, uplift: str) -> dict[str, Any]:
    """Return the payout rules in force at the end of the term with their prices raised; none where nothing rises."""
    percent = Decimal(uplift)
    if not percent:
        return {}
    raised: dict[str, Any] = {}
    for place in ("payout", "delivery_payout"):
        for found in taken_over(last, end.starts_at, [place])[:1]:
            body = uplifted(found.body, percent)
            raised |= {} if body == found.body else {place: body}
    return raised
