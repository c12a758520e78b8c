"""Rules for millions of rows at once: conditions as SQL over a table of facts."""
