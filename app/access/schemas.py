"""What the access room reads and shows."""

from __future__ import annotations

from marshmallow import fields

from app.access.permissions import ALL
from app.store.models.access import ROLES
from app.web.fields import Flag, Identifier, InstantField, Text, Word
from app.web.schema import Strict


class NewApiKey(Strict):
    """An API key to be created."""

    name = Text(
        required=True,
        metadata={
            "description": "Who uses it, such as a person or a job, in 1 to 64 characters: the actor in the audit trail.",
            "example": "ann",
        },
    )
    role = Word(ROLES, required=True, metadata={"description": "What it may do."})
    partner = Identifier(metadata={"description": "Whose data it sees; with role `partner`, and only there."})
    scopes = fields.List(
        Word(ALL), metadata={"description": "Keep it to these permissions of its role; all of them when left out."}
    )
    expires_at = InstantField(metadata={"description": "When it ends; never when left out."})


class Rotation(Strict):
    """How a key is given another secret."""

    old_ends_at = InstantField(
        metadata={"description": "Up to when the secret there is works as well; 7 days when left out."}
    )


class Revocation(Strict):
    """What of a key ends."""

    prefix = Text(metadata={"description": "Only its secret of this prefix; all of it when left out."})


class ApiKeySecretShown(Strict):
    """A secret of a key, by its prefix."""

    prefix = Text(metadata={"example": "tl_ab12cd34"})
    live = Flag(metadata={"description": "Whether it works now."})
    created_at = InstantField()
    ends_at = InstantField(allow_none=True)
    revoked_at = InstantField(allow_none=True)
    last_used_at = InstantField(allow_none=True, metadata={"description": "To the minute."})


class ApiKeyShown(Strict):
    """An API key. Its secrets are not shown, only their prefixes."""

    id = Identifier()
    name = Text()
    role = Word(ROLES)
    partner = Identifier(allow_none=True)
    scopes = fields.List(Word(ALL), allow_none=True)
    created_by = Text(allow_none=True)
    created_at = InstantField()
    expires_at = InstantField(allow_none=True)
    revoked_at = InstantField(allow_none=True)
    last_used_at = InstantField(allow_none=True, metadata={"description": "To the minute."})
    secrets = fields.List(fields.Nested(ApiKeySecretShown))


class ApiKeyMade(ApiKeyShown):
    """An API key with its new secret, which is shown this once."""

    key = Text(required=True, metadata={"description": "Send it as `Authorization: Bearer …`. It is not kept."})
