"""Locks between processes that the kernel drops when their holder ends, and patience without a clock.

What the locks mean is said where they are used.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path


def open_lock(path: Path) -> int:
    """Return a descriptor of the lock file, made if it is missing. Programs we start do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Make the lock exclusively ours, or return False at once if another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def moments(seconds: int) -> Iterator[int]:
    """Count moments of 10 ms. No clock is read: when tests freeze it, a deadline would never come."""
    for moment in range(seconds * 100):
        yield moment
        time.sleep(0.01)
