"""How the report came from a phone: when it was typed, and which of its photos are still on their way."""

from service_desk.models.users import User
from service_desk.presenters.phone_reports import ArrivedReport, arrived
from service_desk.services.claims import phone_reports
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.FACTS
ORDER = 15


def read(file: ClaimFile, user: User) -> list[ArrivedReport] | None:  # noqa: ARG001 - both sides see it
    """Reports that waited or whose photos are not all here; None when all simply arrived."""
    told = [arrived(report, photos) for report, photos in phone_reports.reports_of(file.claim.id)]
    return [one for one in told if one.typed_at or one.open_count or one.refused] or None
