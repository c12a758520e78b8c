"""Contracts, their versions and rule versions: drafted, submitted, approved, and in force from an instant on."""
