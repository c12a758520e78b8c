"""Drafts in the random life of a contract: written by the product, planned by the oracle, refused by both or by neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from app.contracts.operations.draft_promotion import draft_promotion
from app.contracts.operations.draft_renewal import draft_renewal
from app.contracts.operations.draft_version import draft_version
from app.contracts.operations.edit_version import edit_version
from app.contracts.operations.reinstate_contract import reinstate_contract
from app.core.errors import AppError
from app.core.instants import write_instant
from app.engine.reference import ReferenceMatcher
from app.rulelang.facts import Catalogue
from app.runtime import Runtime
from tests.builders.oracle import KINDS, MICROSECOND, ZONE, Oracle, Rules, Version, day_start, months_on, taken_over
from tests.builders.tagged_rules import body_of, params_of, reads_minimum

BEGUN = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What a draft is asked to say."""

    start: date | datetime
    kinds: frozenset[str] = frozenset(KINDS)
    backdated: str | None = None
    base: int | None = None
    value: int | None = None
    ends: date | None = None
    second_payout_after: int | None = None

    @property
    def starts_at(self) -> datetime:
        return self.start if isinstance(self.start, datetime) else day_start(self.start)

    @property
    def text(self) -> str:
        return write_instant(self.start) if isinstance(self.start, datetime) else self.start.isoformat()


@dataclass
class Planned:
    """What the oracle expects of a draft: the version, and its end where it has one of its own."""

    version: Version
    expires_at: datetime | None


@dataclass
class Drafting:
    """The contract acme, in the product and in the oracle, and the drafts that are written for it."""

    connection: Connection
    catalogue: Catalogue
    now: datetime = BEGUN
    oracle: Oracle = field(default_factory=Oracle)
    policy: dict[str, Any] = field(default_factory=lambda: {"approvals": 1})
    conversions: dict[str, datetime] = field(default_factory=dict)
    tags: int = 0
    list_versions: int = 1
    refused: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        self.runtime = Runtime(self.connection, ReferenceMatcher(), self.catalogue)

    def tick(self) -> datetime:
        """Each step happens at an instant of its own."""
        self.now += MICROSECOND
        return self.now

    def do(self, why_not: set[str], actor: str, step: Callable[..., Any], **asked: Any) -> bool:
        """Have the product do a step; it is refused if and only if there is a reason, and for one of the reasons."""
        try:
            with self.runtime.work(actor) as ctx:
                step(ctx.at(self.now), **asked)
            refusal, said = None, "done"
        except AppError as error:
            refusal, said = type(error).__name__, error.message
        wanted = why_not or {None}
        assert refusal in wanted, f"{said} ({refusal}), and not {wanted}: {step.__name__} by {actor} of {asked}"
        self.done, self.refused = self.done + (refusal is None), self.refused + (refusal is not None)
        return refusal is None

    # Drafting ---------------------------------------------------------------------------------------------------

    def plan(
        self, asked: Asked, kind: str, bodies: dict[str, Any], months: int | None = None
    ) -> tuple[Planned | None, set[str]]:
        """Return what a draft should come to and write its bodies, or why it cannot be."""
        refused = {"VersionRefused"}
        start = asked.starts_at
        governs = max(start, self.now) if asked.backdated == "prospective" else start
        if asked.base is not None and (
            asked.base not in self.numbers or self.oracle.numbered(asked.base).recorded is None
        ):
            return None, refused
        base = self.oracle.numbered(asked.base) if asked.base is not None else self.oracle.base_at(governs)
        version = Version(
            0, start, asked.backdated, self.now, [], kind=kind, base=base.number if base else None,
            is_base_named=asked.base is not None, value=asked.value, ends=asked.ends,
        )  # fmt: skip
        if kind == "termination":
            version.value = version.ends = None
            return (Planned(version, None), set()) if self.oracle.live() else (None, refused)
        taken = taken_over(base, start, governs)
        for rule_kind in KINDS:
            if rule_kind in asked.kinds:
                self._say(version, rule_kind, asked, bodies)
            elif rule_kind in taken:
                for number, (since, tag, pin) in enumerate(taken[rule_kind], start=1):
                    version.rules.append(
                        Rules(number, since, None, self.now, [], kind=rule_kind, tag=tag, is_inherited=True, pin=pin)
                    )
            else:
                return None, refused
        if base is not None:
            version.value = base.value if version.value is None else version.value
            version.ends, version.counted_from = version.ends or base.ends, base.counted_from
        if (
            base is not None
            and version.minimum is None
            and any(reads_minimum(rules.kind, rules.tag) for rules in version.rules)
        ):
            version.minimum = base.minimum
        return self._with_end(version, governs, asked)

    def _say(self, version: Version, kind: str, asked: Asked, bodies: dict[str, Any]) -> None:
        starts = [version.start]
        if kind == "payout" and asked.second_payout_after is not None:
            starts.append(version.start + timedelta(days=asked.second_payout_after))
        dated = []
        for number, since in enumerate(starts, start=1):
            tag = self.new_tag() if kind != "attribution" else "claims"
            version.rules.append(Rules(number, since, None, self.now, [], kind=kind, tag=tag))
            version.minimum = tag if reads_minimum(kind, tag) else version.minimum
            dated.append({"effective_from": write_instant(since), "body": body_of(kind, tag)})
        bodies[kind] = dated if len(dated) > 1 else dated[0]["body"]

    def _with_end(self, version: Version, governs: datetime, asked: Asked) -> tuple[Planned | None, set[str]]:
        if version.ends is None:
            return Planned(version, None), set()
        ends_at = day_start(version.ends)
        if ends_at <= governs:
            return None, {"VersionRefused"}
        later = [other for other in self.oracle.live() if other.governs and other.governs > governs]
        if asked.ends is not None and any(o.kind == "expiry" and o.governs and o.governs < ends_at for o in later):
            return None, {"VersionRefused"}
        is_ended = any(other.governs == ends_at for other in later)
        return Planned(version, None if is_ended else ends_at), set()

    def write_down(self, actor: str, planned: list[Planned]) -> None:
        """Number what was drafted: first what was asked for, then the ends; more than one are a bundle."""
        first = 1 + max(self.numbers, default=0)
        rows = [one.version for one in planned]
        rows += [self._expiry(one, first) for one in planned if one.expires_at is not None]
        for number, version in enumerate(rows, start=first):
            version.number, version.editors = number, [actor]
            version.bundle = first if len(rows) > 1 else None
            for rules in version.rules:
                rules.editors = [actor]
        self.oracle.versions += rows

    def _expiry(self, planned: Planned, of: int) -> Version:
        assert planned.expires_at is not None
        return Version(0, planned.expires_at, planned.version.backdated, self.now, [], kind="expiry", base=of, is_base_named=True)  # fmt: skip

    @property
    def numbers(self) -> list[int]:
        return [version.number for version in self.oracle.versions]

    def new_tag(self) -> str:
        self.tags += 1
        return str(self.tags)

    def draft(self, actor: str, asked: Asked, *, termination: bool = False, reinstate: bool = False) -> int | None:
        """Draft a version; return its number."""
        self.tick()
        bodies: dict[str, Any] = {}
        planned, why_not = self.plan(asked, "termination" if termination else "terms", bodies)
        if reinstate and self.oracle.answer(asked.starts_at, self.now) not in ("TERMINATED", "EXPIRED"):
            why_not = {*why_not, "NothingToReinstate"}
        given = {"effective_from": asked.text, "backdated": asked.backdated, "base": asked.base}
        if not termination:
            given |= {"rules": bodies, "params": params_of(bodies), **_attributes(asked)}
        step = reinstate_contract if reinstate else draft_version
        if termination:
            given["termination"] = True
        if self.do(why_not, actor, step, contract="acme", **given):
            assert planned is not None
            self.write_down(actor, [planned])
            return planned.version.number
        return None

    def promote(self, actor: str, asked: Asked, until: date) -> int | None:
        """Draft a promotion and what follows it."""
        self.tick()
        bodies: dict[str, Any] = {}
        promotion, why_not = self.plan(asked, "promotion", bodies)
        planned, end = [promotion], day_start(until)
        governs = max(asked.starts_at, self.now) if asked.backdated == "prospective" else asked.starts_at
        inside = [other for other in self.oracle.live() if other.governs and governs < other.governs <= end]
        if end <= governs or self.oracle.base_at(governs) is None:
            why_not = {"VersionRefused"}
        if not (len(inside) == 1 and inside[0].governs == end):
            restoration, more = self.plan(Asked(until, frozenset(), asked.backdated), "restoration", {})
            why_not = why_not | more | ({"VersionRefused"} if inside else set())
            planned.append(restoration)
        given = {
            "effective_from": asked.text,
            "until": until.isoformat(),
            "rules": bodies,
            "params": params_of(bodies),
            "backdated": asked.backdated,
        }
        if self.do(why_not, actor, draft_promotion, contract="acme", **given):
            self.write_down(actor, [one for one in planned if one is not None])
            assert promotion is not None
            return promotion.version.number
        return None

    def renew(self, actor: str, months: int) -> int | None:
        """Draft the next term."""
        self.tick()
        live = self.oracle.live()
        if not live or live[-1].kind != "expiry":
            self.do({"NothingToRenew"}, actor, draft_renewal, contract="acme", months=months)
            return None
        last = [version for version in live[:-1] if version.has_terms][-1]
        ended = live[-1].start.astimezone(ZONE).date()
        if last.ends is None or day_start(last.ends) != live[-1].start:
            since = ended
        else:
            since = last.counted_from or last.ends
        gone = (ended.year - since.year) * 12 + ended.month - since.month
        asked = Asked(ended, frozenset(), "restate", last.number, None, months_on_from(since, gone + months))
        planned, why_not = self.plan(asked, "terms", {})
        if self.do(why_not, actor, draft_renewal, contract="acme", months=months, backdated="restate"):
            assert planned is not None
            planned.version.counted_from = since
            self.write_down(actor, [planned])
            return planned.version.number
        return None

    def edit(self, actor: str, number: int, asked: Asked) -> None:
        """Edit a draft."""
        self.tick()
        version = self.oracle.numbered(number)
        kind = version.kind if version.kind in ("promotion", "restoration") else "terms"
        bodies: dict[str, Any] = {}
        planned, why_not = self.plan(asked, kind, bodies)
        why_not = set(why_not)
        if version.state != "draft":
            why_not.add("WrongState")
        if version.kind == "expiry":
            why_not.add("PartOfBundle")
        siblings = {other.kind: other for other in self.oracle.bundle_of(version)}
        if kind == "promotion" and "restoration" in siblings and asked.starts_at >= siblings["restoration"].start:
            why_not.add("VersionRefused")
        if kind == "restoration" and "promotion" in siblings and asked.starts_at <= siblings["promotion"].start:
            why_not.add("VersionRefused")
        given = {"effective_from": asked.text, "backdated": asked.backdated, "base": asked.base}
        given |= {"rules": bodies, "params": params_of(bodies)}
        if not self.do(why_not, actor, edit_version, contract="acme", number=number, **given, **_attributes(asked)):
            return
        assert planned is not None
        new = planned.version
        version.kind, version.start, version.backdated, version.base = new.kind, new.start, new.backdated, new.base
        version.is_base_named, version.value, version.ends = new.is_base_named, new.value, new.ends
        version.counted_from, version.rules, version.minimum = new.counted_from, new.rules, new.minimum
        version.editors.append(actor)
        for rules in version.rules:
            rules.editors = list(version.editors)
        self._move_end(actor, version, planned)

    def _move_end(self, actor: str, version: Version, planned: Planned) -> None:
        ends = [other for other in self.oracle.bundle_of(version) if other.kind == "expiry"]
        if planned.expires_at is None:
            for end in ends:
                end.state, end.closed = "withdrawn", self.now
            return
        version.bundle = version.bundle or version.number
        if not ends:
            end = self._expiry(planned, version.number)
            end.number, end.bundle = 1 + max(self.numbers), version.bundle
            self.oracle.versions.append(end)
            ends = [end]
        ends[0].start, ends[0].backdated = planned.expires_at, version.backdated
        ends[0].editors.append(actor)


def months_on_from(since: date, months: int) -> date:
    """Count whole months from one day, so that the 31st comes back; backwards as well."""
    if months >= 0:
        first = date(since.year, since.month, 1)
        month = months_on(first, months)
        return month.replace(day=min(since.day, monthrange_of(month)))
    year, month_ = divmod(since.year * 12 + since.month - 1 + months, 12)
    month = date(year, month_ + 1, 1)
    return month.replace(day=min(since.day, monthrange_of(month)))


def monthrange_of(month: date) -> int:
    """Return how many days a month has."""
    return (months_on(month, 1) - month).days


def _attributes(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.value is not None:
        found["value"] = str(asked.value)
    if asked.ends is not None:
        found["ends_on"] = asked.ends.isoformat()
    return found
