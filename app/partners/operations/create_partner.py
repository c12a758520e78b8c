"""Create a partner."""

from __future__ import annotations

from app.audit.record import record
from app.partners.errors import PartnerExists
from app.partners.repository import unsettle_claims
from app.runtime import Context
from app.store.models import Partner


def create_partner(ctx: Context, *, id: str, name: str | None = None) -> Partner:
    """Create a partner, or refuse when the id is taken."""
    if ctx.session.get(Partner, id) is not None:
        raise PartnerExists(f"There is a partner {id!r} already.")
    partner = Partner(id=id, name=name or id, created_at=ctx.now())
    ctx.session.add(partner)
    record(ctx, "partner.created", id, f"Partner {id} created", after={"name": partner.name})
    ctx.session.flush()
    # What it claimed so far was decided as the claim of a stranger; the reason is another one now.
    unsettle_claims(ctx.session, id)
    return partner
