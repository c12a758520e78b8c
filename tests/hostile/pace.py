"""How fast this machine is at present, against the one on which the 50 ms were measured."""

from __future__ import annotations

import json
import time
from functools import cache

MOST_SECONDS = 0.05
# Reading the yardstick takes so long on two cores of a server of 2023 that has nothing else to do.
YARDSTICK = "[" + '{"id":"r1","when":{"fact":"sku","op":"in","value":["a",1]}},' * 2_000 + "{}]"
USUAL_SECONDS = 0.0013


@cache
def most_seconds() -> float:
    """Return how long a refusal may take here: 50 ms, and longer only as far as the machine is slower or busy."""
    return MOST_SECONDS * max(1.0, min(_seconds() for _ in range(5)) / USUAL_SECONDS)


def _seconds() -> float:
    start = time.process_time()
    json.loads(YARDSTICK)
    return time.process_time() - start
