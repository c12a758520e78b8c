"""Floor 3: what a rule set can never decide, or decides twice, found by a solver and shown by an example conversion."""
