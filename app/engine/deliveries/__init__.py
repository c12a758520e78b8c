"""Impressions: which counts are agreed, how many of them are paid for, and what a day comes to. Read `day.py` first."""
