"""Conversions as they come in, and the decisions on them: exact, whatever order they arrive in."""
