"""The one-time notice of a claim as the paper that a pause stands on."""

from flask_babel import gettext as _

from service_desk.base.errors import NotFound
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters import claim_papers as words
from service_desk.services.claims import paper_files
from service_desk.services.claims.common import MATTER_KIND
from service_desk.services.documents import Upload
from service_desk.web.papers import address_of


def notice_of(timer: Timer, *, actor: User) -> Upload | None:
    """The latest notice sent on the clock's claim, as it is printed; None where none was sent."""
    if timer.matter_kind != MATTER_KIND:
        return None
    try:
        file = paper_files.read_papers(timer.matter_number, actor=actor)
    except NotFound:
        # Who may handle a clock need not see the claim.
        return None
    if not file.notices:
        return None
    notice, page_url = file.notices[-1], address_of("claim_papers.documents", file.claim.number)
    name = _("notice-%(number)s.pdf", number=f"{file.claim.number}-N{notice.number}")
    return Upload(name, words.notice_pdf(file.claim, file.branch, file.owner, notice, page_url))
