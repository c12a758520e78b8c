"""Exchange rates: what currencies were worth, day by day, as it was recorded."""
