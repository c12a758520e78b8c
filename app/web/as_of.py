"""The `as_of` of a read as a query has it. Which instant it means is read by `app.core.as_of`, where a zone is known."""

from __future__ import annotations

from app.web.fields import InstantField, LocalDateOrInstant
from app.web.pagination import PageQuery
from app.web.schema import Strict

AS_OF = "The answer as it was then: of what was recorded by this instant. Now, when left out; never a time to come."
_INSTANT = {"description": AS_OF, "example": "1997-07-02T10:00:00-04:00"}
_LOCAL = {"description": f"{AS_OF} A date means the first instant of that local day."}


class AsOf(Strict):
    """As of when, where no zone is known."""

    as_of = InstantField(metadata=_INSTANT)


class LocalAsOf(Strict):
    """As of when, where a date is local to a zone that is known."""

    as_of = LocalDateOrInstant(metadata=_LOCAL)


class PageAsOf(PageQuery):
    """A page of a list, as of when, where no zone is known."""

    as_of = InstantField(metadata=_INSTANT)


class LocalPageAsOf(PageQuery):
    """A page of a list, as of when, where a date is local to a zone that is known."""

    as_of = LocalDateOrInstant(metadata=_LOCAL)
