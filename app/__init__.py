"""Termline: partner terms as effective-dated, executable rules.

This package imports nothing by itself, so that `import app.core.money` does not load Flask.
"""
