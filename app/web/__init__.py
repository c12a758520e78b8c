"""Floor 4: HTTP. Blueprints, problems, keys and the one transaction of a request; knows no domain."""
