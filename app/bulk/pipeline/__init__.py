"""Conversions by the million: what `engine/evaluate.py` decides one by one, decided as SQL. README.md says what is in."""
