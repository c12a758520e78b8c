"""Floor 1: the rule language. JSON in, checked rules and diagnostics out. Knows no contracts and no engine."""
