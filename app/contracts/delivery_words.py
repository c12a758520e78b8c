"""What a contract version says about deliveries, as a phrase for whoever approves it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BASES = {
    "delivered": "paid for what was delivered",
    "delivered_up_to_contracted": "paid for what was delivered, up to what is contracted",
    "contracted_plus_overage": "paid for what was delivered, beyond what is contracted at a rate of its own",
    "contracted": "paid for what is contracted, evenly over its days",
}


def delivery_words(delivery: Mapping[str, Any] | None) -> str:
    """Say delivery terms as people do."""
    return "nothing agreed" if delivery is None else "; ".join(_parts(delivery))


def _parts(delivery: Mapping[str, Any]) -> Iterator[str]:
    yield BASES[delivery["basis"]]
    if "contracted" in delivery:
        yield f"{delivery['contracted']} impressions contracted"
    if "overage_cpm" in delivery:
        yield f"{delivery['overage_cpm']} per thousand beyond them"
    yield from _sources(delivery.get("sources"))
    yield from _deductions(delivery.get("deduct", {}))
    guarantee = delivery.get("minimum_guarantee")
    if guarantee is not None:
        yield f"at least {guarantee['amount']} per {guarantee['window'].replace('_', ' ')}"
    for flight in delivery.get("flights", ()):
        of = f" on {', '.join(flight['placements'])}" if "placements" in flight else ""
        count = f", {flight['contracted']} impressions" if "contracted" in flight else ""
        yield f"flight {flight['id']} from {flight['from']} up to {flight['to']}{of}{count}"


def _sources(sources: Mapping[str, Any] | None) -> Iterator[str]:
    if sources is None:
        return
    yield f"{sources['truth']} counts"
    if "other" in sources:
        yield f"held against {sources['other']} with a tolerance of {sources.get('tolerance', '0')}"
    if "fallback" in sources:
        yield f"after {sources['deadline_days']} days {sources['fallback']} counts where they disagree"


def _deductions(deduct: Mapping[str, Any]) -> Iterator[str]:
    if deduct.get("invalid"):
        yield "without invalid traffic"
    viewable = deduct.get("not_viewable", False)
    if viewable is True:
        yield "without what was not viewable"
    elif viewable is not False:
        yield f"without what was not viewable, where less than {viewable} was"
