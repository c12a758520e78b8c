"""Floor 3: PostgreSQL. Tables, sessions and migrations; queries belong to the rooms' repositories."""
