"""One change between two versions: where it is, what was there before and is now, and what that says. No comparing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """A part that is new, gone, different, or in another order.

    `path` names rules and limits by their ids: /rules/base/then. `before` and `after` are JSON data in the normal
    spelling, None where there is nothing; the changes of a body, made to it, give the other one. `parts` are the parts of
    a condition that differ. `values` has what a parameter, or a list of not many members, stands for in a comparison.
    `at` is the place of a rule that is new. `loosens` marks a limit that held something which nothing holds now.
    """

    path: str
    change: Kind
    before: Any
    after: Any
    says: str
    at: int | None = None
    parts: tuple[Change, ...] = ()
    values: tuple[Any, Any] | None = None
    loosens: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the change as JSON data, without what does not apply to it."""
        said: dict[str, Any] = {"path": self.path, "change": self.change, "before": self.before, "after": self.after}
        said["says"] = self.says
        if self.at is not None:
            said["at"] = self.at
        if self.parts:
            said["parts"] = [part.as_dict() for part in self.parts]
        if self.values is not None:
            said["values"] = {"before": self.values[0], "after": self.values[1]}
        return said | ({"loosens": True} if self.loosens else {})


def kind_of_change(before: Any, after: Any) -> Kind:
    """Return what happened to a part: None stands for none."""
    return "added" if before is None else "removed" if after is None else "changed"
