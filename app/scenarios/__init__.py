"""Scenarios: stories under a frozen clock, run through the same operations as the API, on an empty database."""
