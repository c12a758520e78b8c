"""Verify the audit trail: the chain from its first event to its head, and the checkpoints that were kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.audit.checkpoint import Checkpoint
from app.audit.repository import walked
from app.audit.verification import Break, Verified, verify_chain
from app.runtime import Context


def verify_trail(
    ctx: Context,
    *,
    checkpoints: Sequence[Checkpoint] = (),
    public_keys: Sequence[str] = (),
    progress: Callable[[int], None] = lambda count: None,
) -> Verified:
    """Return everything that is wrong with the trail. A checkpoint with a bad signature says nothing else.

    With `public_keys`, a checkpoint has to be signed with one of them; without, with the key that it names itself.
    """
    trusted = [one for one in checkpoints if _distrust(one, public_keys) is None]
    verified = verify_chain(walked(ctx.session), [one.mark for one in trusted], progress)
    for one in checkpoints:
        if (why := _distrust(one, public_keys)) is not None:
            verified.add(Break("bad_signature", one.mark.seq, why))
    return verified


def _distrust(one: Checkpoint, public_keys: Sequence[str]) -> str | None:
    if not one.is_signed:
        return f"the checkpoint of {one.mark.at} is not signed with the key it names: it was changed"
    if public_keys and one.public_key not in public_keys:
        return f"the checkpoint of {one.mark.at} is signed with another key, {one.public_key}"
    return None
