"""Who had the claim when: the first contact, every dispatch and assignment, every offer with its answer."""

from service_desk.models.users import User
from service_desk.presenters.claim_owners import chain
from service_desk.presenters.enquiries import ChainEntry
from service_desk.rules.permissions import Side
from service_desk.services.claims.files import ClaimFile
from service_desk.services.claims.owners import owners_of

COLUMN = "next"
ORDER = 90


def read(file: ClaimFile, user: User) -> list[ChainEntry] | None:
    """The chain, newest first; the client sees who had it, not what was offered and why."""
    entries = chain(file, owners_of(file.claim), for_client=user.side is Side.CLIENT)
    return entries if len(entries) > 1 else None
