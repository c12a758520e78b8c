"""Writes the JSON Schema of rule bodies for editors that look at this folder.

    python -m tests.builders.rules_schema

puts it into the file; a test holds that it was done.
"""

from __future__ import annotations

import json
from pathlib import Path

from app.adapters.fact_files import shipped_catalogue
from app.rulelang.schema import rules_schema

FILE = Path(__file__).parents[2] / "rules" / "schema" / "rules.schema.json"


def written() -> str:
    """Return what has to stand in the file."""
    return json.dumps(rules_schema(shipped_catalogue()), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(written(), "utf-8")
