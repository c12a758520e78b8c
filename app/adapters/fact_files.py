"""Loading the fact catalogue that travels with the product."""

from __future__ import annotations

from functools import cache

from app.adapters.yaml_files import read_yaml
from app.core.resources import shipped
from app.rulelang.facts import Catalogue, catalogue_from


@cache
def shipped_catalogue() -> Catalogue:
    """Return the catalogue of `rules/facts.yaml`."""
    return catalogue_from(read_yaml(shipped("rules", "facts.yaml")).data)
