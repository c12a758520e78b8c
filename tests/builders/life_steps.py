"""A contract that lives a random life: each step is done by the product and by the oracle, and both say what is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.contracts.operations.approve_version import approve_rule_version, approve_version
from app.contracts.operations.close_version import (
    reject_rule_version,
    reject_version,
    withdraw_rule_version,
    withdraw_version,
)
from app.contracts.operations.draft_rule_version import draft_rule_version
from app.contracts.operations.retire_version import retire_rule_version, retire_version
from app.contracts.operations.set_approval_policy import set_approval_policy
from app.contracts.operations.submit_version import submit_rule_version, submit_version
from app.conversions.operations.receive_conversions import receive_conversion
from app.core.instants import write_instant
from app.rulesets.operations.publish_list import publish_list_version
from tests.builders.agreements import order
from tests.builders.life_drafts import Drafting
from tests.builders.oracle import Rules, Version, taken_over
from tests.builders.tagged_rules import body_of, reads_list, reads_minimum


class Contract(Drafting):
    """The contract acme, from its drafts to what becomes of them."""

    # The life of a draft ----------------------------------------------------------------------------------------

    def submit(self, actor: str, number: int) -> None:
        """Submit a version and its bundle."""
        self.tick()
        members = self.oracle.bundle_of(self.oracle.numbered(number))
        why_not = {"WrongState"} if members[0].state != "draft" else set()
        if self.do(why_not, actor, submit_version, contract="acme", number=number):
            needed = max(self._needed(member, self._value(member, members), members) for member in members)
            for life in [*members, *(rules for member in members for rules in member.rules)]:
                life.state, life.submitter, life.submitted, life.needed = "submitted", actor, self.now, needed

    def _value(self, member: Version, members: list[Version]) -> int:
        """The higher of what a contract would be worth and is worth where a version begins to govern."""
        governs = max(member.start, self.now) if member.backdated == "prospective" else member.start
        base = self.oracle.base_at(governs, members)
        return max(member.value or 0, 0 if base is None else base.value or 0)

    def _needed(self, life: Version | Rules, value: int | None, members: list[Version] | None = None) -> int:
        is_first = members is not None and not [
            v for v in self.oracle.versions if v.recorded is not None and v not in members
        ]
        counts = [self.policy["approvals"]]
        if life.start < self.now and not is_first:
            counts.append(self.policy.get("backdated", 1))
        counts += [step["approvals"] for step in self.policy.get("value_over", ()) if (value or 0) > int(step["over"])]
        return max(counts)

    def approve(self, actor: str, number: int) -> None:
        """Approve a version and its bundle."""
        self.tick()
        version = self.oracle.numbered(number)
        members = self.oracle.bundle_of(version)
        others = [other for other in self.oracle.versions if other.recorded is not None and other not in members]
        why_not: set[str] = set()
        for member in members:
            why_not |= self._refuse_approval(member, actor)
            if others and member.start < self.now and member.backdated is None:
                why_not.add("BackdatingUndeclared")
            if others and self._is_late(member):
                why_not.add("BackdatingUndeclared")
            if self._has_changed_base(member, members):
                why_not.add("BaseChanged")
        if not self.do(why_not, actor, approve_version, contract="acme", number=number):
            return
        for member in members:
            member.approvers.append(actor)
        if len(version.approvers) >= version.needed:
            for member in members:
                self._put_in_force(member)

    def _is_late(self, life: Version | Rules) -> bool:
        """Submitted before its start with fewer people than its start in the past asks for now."""
        if life.submitted is None or not life.submitted <= life.start < self.now:
            return False
        return bool(self.policy.get("backdated", 1) > life.needed)

    def _refuse_approval(self, life: Version | Rules, actor: str) -> set[str]:
        why_not = set()
        if life.state != "submitted":
            why_not.add("WrongState")
        if actor in life.wrote:
            why_not.add("SelfApproval")
        if actor in life.approvers:
            why_not.add("ApprovedAlready")
        return why_not

    def _has_changed_base(self, member: Version, members: list[Version]) -> bool:
        governs = max(member.start, self.now) if member.backdated == "prospective" else member.start
        if member.kind in ("expiry", "restoration"):
            if any(o.governs == member.start for o in self.oracle.live() if o not in members):
                return True
            if member.backdated == "prospective" and member.start <= self.now:
                return True
        if member.kind == "expiry" and self._ends_earlier(member, members):
            return True
        base = self.oracle.numbered(member.base) if member.is_base_named and member.base else None
        if not member.is_base_named:
            base = self.oracle.base_at(governs, members)
        taken = taken_over(base, member.start, governs)
        inherited = [rules for rules in member.rules if rules.is_inherited]
        kinds = {rules.kind for rules in inherited}
        now = sorted((kind, since, tag, pin or 0) for kind in kinds for since, tag, pin in taken.get(kind, []))
        return sorted((rules.kind, rules.start, rules.tag, rules.pin or 0) for rules in inherited) != now

    def _ends_earlier(self, end: Version, members: list[Version]) -> bool:
        """Whether another term's end lies inside the term that ends there."""
        term = min(members, key=lambda member: member.number)
        since = max(term.start, self.now) if term.backdated == "prospective" else term.start
        ends = [v.governs for v in self.oracle.live() if v.kind == "expiry" and v not in members and v.governs]
        return any(since < at < end.start for at in ends)

    def _put_in_force(self, version: Version) -> None:
        live = self.oracle.live()
        version.come_to_govern(self.now)
        for rules in version.rules:
            self._put_rules_in_force(rules)
        for other in live:
            if other.governs == version.governs:
                other.retired, version.replaced_another = self.now, True

    def _put_rules_in_force(self, rules: Rules) -> None:
        rules.come_to_govern(self.now)
        if not rules.is_inherited and reads_list(rules.kind, rules.tag):
            rules.pin = self.list_versions

    def close(self, actor: str, number: int, how: str) -> None:
        """Reject or withdraw a version and its bundle."""
        self.tick()
        version = self.oracle.numbered(number)
        members = self.oracle.bundle_of(version)
        why_not = set()
        if version.state not in (("submitted",) if how == "rejected" else ("draft", "submitted")):
            why_not.add("WrongState")
        if version.state == "draft" and version.kind == "expiry":
            why_not.add("PartOfBundle")
        step = reject_version if how == "rejected" else withdraw_version
        if self.do(why_not, actor, step, contract="acme", number=number, reason="no"):
            for life in [*members, *(rules for member in members for rules in member.rules)]:
                life.state, life.closed = how, self.now

    def retire(self, actor: str, number: int) -> None:
        """Take an approved version and its bundle back."""
        self.tick()
        version = self.oracle.numbered(number)
        why_not = set()
        if not version.is_live:
            why_not.add("WrongState")
        if version.kind == "expiry":
            why_not.add("PartOfBundle")
        members = [member for member in self.oracle.bundle_of(version) if member.is_live]
        if any(actor in member.wrote for member in [version, *members]):
            why_not.add("SelfApproval")
        if any(member.replaced_another for member in members) or self._takes_an_end_away(members):
            why_not.add("RetirementRefused")
        if self.do(why_not, actor, retire_version, contract="acme", number=number, reason="a mistake"):
            for member in members:
                member.retired = self.now

    def _takes_an_end_away(self, members: list[Version]) -> bool:
        """Whether something that stays would go on for want of the end that goes."""
        starts = [member.governs for member in members if member.governs]
        staying = [v for v in self.oracle.live() if v not in members and v.governs]
        if not starts:
            return False
        first, last = min(starts), max(starts)
        if any(first < v.governs < last for v in staying if v.governs):
            return True
        before = [v for v in staying if v.governs and v.governs < first]
        if not before or before[-1].kind != "promotion":
            return False
        return not any(v.kind == "restoration" and v.bundle == before[-1].bundle for v in staying)

    # Rules that are added ---------------------------------------------------------------------------------------

    def add_rules(self, actor: str, number: int, kind: str, start: datetime, backdated: str | None) -> int | None:
        """Draft a rule version in an approved contract version; return its number."""
        self.tick()
        version = self.oracle.numbered(number)
        why_not = set()
        if not version.is_live or not version.has_terms:
            why_not.add("WrongState")
        elif not self._is_inside(version, start):
            why_not.add("OutsideContractVersion")
        tag = self.new_tag() if kind != "attribution" else "claims"
        while reads_minimum(kind, tag):
            tag = self.new_tag()  # its version may not have the parameter
        given = {
            "kind": kind,
            "effective_from": write_instant(start),
            "backdated": backdated,
            "body": body_of(kind, tag),
        }
        if not self.do(why_not, actor, draft_rule_version, contract="acme", number=number, **given):
            return None
        rule_number = 1 + max((rules.number for rules in version.rules if rules.kind == kind), default=0)
        version.rules.append(Rules(rule_number, start, backdated, self.now, [actor], kind=kind, tag=tag))
        return rule_number

    def _is_inside(self, version: Version, start: datetime) -> bool:
        assert version.governs is not None
        end = self.oracle.next_start(version)
        return version.governs <= start and (end is None or start < end)

    def submit_rules(self, actor: str, number: int, rules: Rules) -> None:
        """Submit one rule version."""
        self.tick()
        why_not = {"WrongState"} if rules.state != "draft" else set()
        if self.do(why_not, actor, submit_rule_version, **_named(number, rules)):
            rules.state, rules.submitter, rules.submitted = "submitted", actor, self.now
            rules.needed = self._needed(rules, self.oracle.numbered(number).value)

    def approve_rules(self, actor: str, number: int, rules: Rules) -> None:
        """Approve one rule version."""
        self.tick()
        version = self.oracle.numbered(number)
        why_not = self._refuse_approval(rules, actor)
        if not version.is_live:
            why_not.add("WrongState")
        else:
            governs = max(rules.start, self.now) if rules.backdated == "prospective" else rules.start
            if not (self._is_inside(version, rules.start) and self._is_inside(version, governs)):
                why_not.add("OutsideContractVersion")
        if (rules.start < self.now and rules.backdated is None) or self._is_late(rules):
            why_not.add("BackdatingUndeclared")
        if not self.do(why_not, actor, approve_rule_version, **_named(number, rules)):
            return
        rules.approvers.append(actor)
        if len(rules.approvers) >= rules.needed:
            live = version.live_rules(rules.kind)
            self._put_rules_in_force(rules)
            for other in live:
                if other.governs == rules.governs:
                    other.retired, rules.replaced_another = self.now, True

    def close_rules(self, actor: str, number: int, rules: Rules, how: str) -> None:
        """Reject or withdraw a rule version."""
        self.tick()
        states = ("submitted",) if how == "rejected" else ("draft", "submitted")
        why_not = set() if rules.state in states else {"WrongState"}
        step = reject_rule_version if how == "rejected" else withdraw_rule_version
        if self.do(why_not, actor, step, reason="no", **_named(number, rules)):
            rules.state, rules.closed = how, self.now

    def retire_rules(self, actor: str, number: int, rules: Rules) -> None:
        """Take an approved rule version back."""
        self.tick()
        why_not = set()
        if not rules.is_live:
            why_not.add("WrongState")
        if actor in rules.wrote:
            why_not.add("SelfApproval")
        before = [
            other
            for other in self.oracle.numbered(number).live_rules(rules.kind)
            if other.governs and rules.governs and other.governs < rules.governs
        ]
        if rules.replaced_another or not before:
            why_not.add("RetirementRefused")
        if self.do(why_not, actor, retire_rule_version, reason="a mistake", **_named(number, rules)):
            rules.retired = self.now

    # What is beside it ------------------------------------------------------------------------------------------

    def set_policy(self, policy: dict[str, Any]) -> None:
        self.tick()
        self.policy = policy
        self.do(set(), "admin", set_approval_policy, program="shop", policy=policy)

    def publish_list(self) -> None:
        """Publish a version of the list that some rules read; what is approved already keeps the one it has."""
        self.tick()
        self.list_versions += 1
        self.do(set(), "shop", publish_list_version, list="vips", members=[f"u{self.list_versions}"])

    def convert(self, at: datetime) -> None:
        """Receive a conversion of an instant."""
        self.tick()
        identifier = f"c{len(self.conversions) + 1}"
        body = order(identifier, write_instant(at), "1.00")
        if self.do(set(), "shop", receive_conversion, body=body):
            self.conversions[identifier] = at


def _named(number: int, rules: Rules) -> dict[str, Any]:
    return {"contract": "acme", "number": number, "kind": rules.kind, "rule_number": rules.number}
