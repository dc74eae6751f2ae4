"""The insurer as it is named on papers and mails."""

from flask_babel import gettext as _

from service_desk.presenters.languages import current_language
from service_desk.services import settings


def insurer_name() -> str:
    """The insurer in the reader's language; the desk's own name until it is set."""
    names: dict[str, str] = settings.read(settings.INSURER_NAME, {})
    return names.get(current_language()) or names.get("zh") or _("Service Desk")


def insurer_phone() -> str:
    """The number a driver calls after an accident; empty until it is set."""
    return str(settings.read(settings.INSURER_PHONE, ""))
