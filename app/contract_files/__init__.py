"""Contracts as files: what was agreed as one readable document, and what a document would change. No administration."""
