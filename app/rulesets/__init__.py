"""Rule bodies by themselves: checking one before it belongs to a contract."""
