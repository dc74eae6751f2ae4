"""The messages between both sides on the claim's page."""

from service_desk.models.users import User
from service_desk.services import messages
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column
from service_desk.web.threads import ThreadPanel, panel_of

COLUMN = Column.NEXT
ORDER = 1


def read(file: ClaimFile, user: User) -> ThreadPanel:  # noqa: ARG001 - as every panel
    """What both sides wrote, and the form to write."""
    return panel_of(messages.of_claim(file.claim))
