"""Floor 2: what rules mean. Values in, decisions out; no clock, no database. Read `evaluate.py` first."""
