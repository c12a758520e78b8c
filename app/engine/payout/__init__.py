"""What is paid: formulas, tier tables and limits. Rounding happens once, in `lines.py`."""
