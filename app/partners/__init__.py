"""Partners and programs: who there is to make contracts with, and for what."""
