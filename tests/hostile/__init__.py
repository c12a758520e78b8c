"""Input that is meant to hurt: what draws it, what it is sent through, and how long that may take."""
