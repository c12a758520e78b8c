"""What is in force when, as it was known when: the naive answer, by looking through a list of what was approved.

It is written from what the product promises and shares nothing with how the product finds its answers.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
KINDS = ("eligibility", "attribution", "payout")
MICROSECOND = timedelta(microseconds=1)


def day_start(day: date) -> datetime:
    """Return midnight of a day in New York, where there always is one."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)


def months_on(day: date, months: int) -> date:
    """Return the day of the same number, so many months later, or the last one of that month."""
    for _ in range(months):
        day_one = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        day = day_one.replace(day=min(day.day, monthrange(day_one.year, day_one.month)[1]))
    return day


@dataclass(eq=False)
class Life:
    """What a version and a rule version have in common: who did what to it, and when."""

    number: int
    start: datetime
    backdated: str | None
    created: datetime
    editors: list[str]
    state: str = "draft"
    submitter: str | None = None
    submitted: datetime | None = None
    needed: int = 1
    approvers: list[str] = field(default_factory=list)
    recorded: datetime | None = None
    governs: datetime | None = None
    closed: datetime | None = None
    retired: datetime | None = None
    replaced_another: bool = False

    def is_known(self, as_of: datetime) -> bool:
        """Approved by then, and not taken back by then."""
        return self.recorded is not None and self.recorded <= as_of and (self.retired is None or self.retired > as_of)

    @property
    def is_live(self) -> bool:
        return self.recorded is not None and self.retired is None

    @property
    def wrote(self) -> set[str]:
        return {*self.editors, *([self.submitter] if self.submitter else [])}

    def come_to_govern(self, now: datetime) -> None:
        self.state, self.recorded = "approved", now
        self.governs = max(self.start, now) if self.backdated == "prospective" else self.start

    def state_at(self, as_of: datetime) -> str:
        for since, state in ((self.closed, self.state), (self.recorded, "approved"), (self.submitted, "submitted")):
            if since is not None and since <= as_of:
                return state
        return "draft"


@dataclass(eq=False)
class Rules(Life):
    """One rule body, named by its tag; a payout pays its tag."""

    kind: str = "payout"
    tag: str = ""
    is_inherited: bool = False
    # The version of the list it is tied to from its approval on, where it reads one.
    pin: int | None = None


@dataclass(eq=False)
class Version(Life):
    """A contract version. `kind` is terms, promotion, restoration, termination or expiry."""

    kind: str = "terms"
    base: int | None = None
    is_base_named: bool = False
    value: int | None = None
    minimum: str | None = None
    ends: date | None = None
    counted_from: date | None = None
    rules: list[Rules] = field(default_factory=list)
    bundle: int | None = None

    @property
    def has_terms(self) -> bool:
        return self.kind not in ("termination", "expiry")

    def live_rules(self, kind: str) -> list[Rules]:
        found = [rules for rules in self.rules if rules.kind == kind and rules.is_live]
        return sorted(found, key=lambda rules: rules.governs or rules.start)


Taken = tuple[datetime, str, int | None]
"""A rule body that a draft takes over: its start, its tag and the list it is tied to."""
Answer = tuple[int, dict[str, str]] | str
"""The number of the version in force and the tag of its rules by kind, or why there is none."""


@dataclass
class Oracle:
    """The facts of one contract, and the answers."""

    versions: list[Version] = field(default_factory=list)

    def numbered(self, number: int) -> Version:
        return next(version for version in self.versions if version.number == number)

    def bundle_of(self, version: Version) -> list[Version]:
        if version.bundle is None:
            return [version]
        return [other for other in self.versions if other.bundle == version.bundle and other.state == version.state]

    def live(self) -> list[Version]:
        return sorted((v for v in self.versions if v.is_live), key=lambda v: v.governs or v.start)

    def next_start(self, version: Version) -> datetime | None:
        assert version.governs is not None
        return min((v.governs for v in self.live() if v.governs and v.governs > version.governs), default=None)

    def answer(self, at: datetime, as_of: datetime) -> Answer:
        """Look through everything: the last start that was known by then and has come."""
        version = _last(self.versions, at, as_of)
        if version is None:
            return "BEFORE_START"
        assert isinstance(version, Version)
        if not version.has_terms:
            return "EXPIRED" if version.kind == "expiry" else "TERMINATED"
        tags = {}
        for kind in KINDS:
            rules = _last([rules for rules in version.rules if rules.kind == kind], at, as_of)
            if rules is None:
                return "RULES_MISSING"
            assert isinstance(rules, Rules)
            tags[kind] = rules.tag
        return version.number, tags

    def edges(self, as_of: datetime) -> list[datetime]:
        """Return every instant at which an answer can change."""
        known = [v for v in self.versions if v.is_known(as_of)]
        starts = [v.governs for v in known] + [r.governs for v in known for r in v.rules if r.is_known(as_of)]
        return sorted({start for start in starts if start is not None})

    def gaps(self, as_of: datetime) -> list[tuple[datetime, datetime | None, str]]:
        """Return the times without terms from the first start on, one for each version that leaves one."""
        starts = sorted(v.governs for v in self.versions if v.is_known(as_of) and v.governs is not None)
        found = []
        for start, end in zip_longest(starts, starts[1:]):
            answer = self.answer(start, as_of)
            if isinstance(answer, str):
                found.append((start, end, answer))
        return found

    def contract_status(self, as_of: datetime) -> str:
        if not any(version.is_known(as_of) for version in self.versions):
            return "draft"
        answer = self.answer(as_of, as_of)
        words = {"BEFORE_START": "scheduled", "EXPIRED": "expired", "TERMINATED": "terminated"}
        return words[answer] if isinstance(answer, str) else "in_force"

    def status(self, version: Version, as_of: datetime) -> str:
        state = version.state_at(as_of)
        if state != "approved":
            return state
        if version.retired is not None and version.retired <= as_of:
            return "retired"
        assert version.governs is not None
        if version.governs > as_of:
            return "scheduled"
        later = [v for v in self.versions if v.is_known(as_of) and v.governs and version.governs < v.governs <= as_of]
        if not later:
            return "in_force"
        ended_by = min(later, key=lambda v: v.governs or v.start)
        return {"expiry": "expired", "termination": "terminated"}.get(ended_by.kind, "superseded")

    def base_at(self, at: datetime, without: list[Version] = []) -> Version | None:  # noqa: B006 - never changed
        """Return the version with terms that started last by then, whether or not its terms have ended since."""
        found = [v for v in self.live() if v.has_terms and v not in without and v.governs and v.governs <= at]
        return found[-1] if found else None


def taken_over(base: Version | None, start: datetime, at: datetime) -> dict[str, list[Taken]]:
    """Return what a draft that starts at `start` and governs from `at` on takes over: what is in force then, and what
    follows; of a base that starts later, what it starts with."""
    found: dict[str, list[Taken]] = {}
    for kind in KINDS if base is not None else ():
        assert base is not None
        of_kind = [(rules.governs or rules.start, rules.tag, rules.pin) for rules in base.live_rules(kind)]
        if not of_kind:
            continue
        begun = max((index for index, (since, _, _) in enumerate(of_kind) if since <= at), default=0)
        found[kind] = [(start, *of_kind[begun][1:])]
        found[kind] += [(max(start, since), tag, pin) for since, tag, pin in of_kind[begun + 1 :]]
    return found


def _last(lives: list[Version] | list[Rules], at: datetime, as_of: datetime) -> Life | None:
    begun = [life for life in lives if life.is_known(as_of) and life.governs is not None and life.governs <= at]
    return max(begun, key=lambda life: life.governs or life.start, default=None)
