"""How many requests a key may send: a bucket of tokens for each, in this process. Knows no HTTP; `auth.py` asks it.

A bucket is one number, the moment at which it is full again (the generic cell rate algorithm, ADR 0020).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from app.core.clock import Ticks, system_ticks

SECOND = 1_000_000_000
MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests at once, and so many a second in the long run."""

    per_second: int = 200
    burst: int = 1000

    @property
    def window(self) -> int:
        """In how many seconds an empty bucket is full again."""
        return -(-self.burst // self.per_second)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, how many more may at once, and in how many seconds one may, or all may, again."""

    is_allowed: bool
    left: int
    retry_after: int
    full_after: int


class Buckets:
    """A bucket for each name. The least recently used are forgotten beyond `most`: they would be full by then, or the
    process serves more callers than it could remember anyway."""

    def __init__(self, rate: Rate, ticks: Ticks = system_ticks, most: int = MAX_BUCKETS) -> None:
        self.rate = rate
        self._ticks, self._most = ticks, most
        self._cost = SECOND // rate.per_second
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str) -> Verdict:
        """Take one token of a name's bucket, if there is one."""
        with self._lock:
            now, empty = self._ticks(), self._cost * self.rate.burst
            full_at = self._full_at.get(name, now)
            if (
                not now <= full_at <= now + empty
            ):  # it is full, or its moment is that of a clock which has been set since
                full_at = now
            full_at += self._cost
            over = full_at - now - empty
            if over > 0:
                return Verdict(False, 0, _seconds(over), _seconds(full_at - self._cost - now))
            self._put(name, full_at)
            return Verdict(True, -over // self._cost, 0, _seconds(full_at - now))

    def give_back(self, name: str) -> None:
        """Put a token back that should not have been taken."""
        with self._lock:
            if name in self._full_at:
                self._put(name, self._full_at[name] - self._cost)

    def _put(self, name: str, full_at: int) -> None:
        self._full_at[name] = full_at
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


class Limiter:
    """Which bucket a request is taken from: that of its key once the key is known, else that of its address.

    So guessing keys is slow, and neither keeps those from working who have one at the same address, nor asks the
    database.
    """

    def __init__(self, rate: Rate, ticks: Ticks = system_ticks) -> None:
        self.keys = Buckets(rate, ticks)
        self.addresses = Buckets(Rate(max(1, rate.per_second // 10), max(1, rate.burst // 10)), ticks)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def is_known(self, key: str) -> bool:
        """Tell whether a key has been let in by this process before."""
        return key in self._known

    def know(self, key: str) -> None:
        """Note that a key was let in."""
        with self._lock:
            self._known[key] = None
            self._known.move_to_end(key)
            if len(self._known) > MAX_BUCKETS:
                self._known.popitem(last=False)

    def forget(self, key: str) -> None:
        """Note that a key is none any more."""
        with self._lock:
            self._known.pop(key, None)


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)
