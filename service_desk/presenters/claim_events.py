"""Words of the time line for parties, follow-ups, reviews and the checklist."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.presenters.labels import label


def depth_title(kind: str, given: dict[str, Any]) -> str:
    """The title of a line; empty for another kind."""
    titles: dict[str, Callable[[], str]] = {
        "party_added": lambda: _("Party entered: %(party)s", party=_party(given)),
        "party_changed": lambda: _("Party completed: %(party)s", party=_party(given)),
        "party_removed": lambda: _("Party taken out: %(party)s", party=_party(given)),
        "item_estimated": lambda: _(
            "Estimated at %(amount)s: %(party)s", amount=_yuan(given["amount_fen"]), party=_party(given)
        ),
        "injured_followed": lambda: _(
            "Injury follow-up: %(party)s, %(stage)s",
            party=_party(given),
            stage=label(given["stage"], "treatment_stage"),
        ),
        "assessment_reviewed": lambda: _(
            "Assessment reviewed from %(before)s to %(after)s",
            before=_yuan(given["before_fen"]),
            after=_yuan(given["total_fen"]),
        ),
        "checklist_changed": lambda: _("Checklist of documents changed"),
        "original_seen": lambda: _("Paper seen: %(document)s", document=_document(given["code"])),
        "file_accepted": lambda: _("Accepted: %(document)s", document=_document(given["code"])),
    }
    return titles[kind]() if kind in titles else ""


def depth_detail(kind: str, given: dict[str, Any]) -> str:
    """What stands below the title; empty for another kind."""
    if kind == "injured_followed":
        forecast = _("forecast %(amount)s", amount=_yuan(given["forecast_fen"]))
        later = _("ask again on %(day)s", day=given["next_on"]) if given["next_on"] else ""
        return " · ".join(part for part in (forecast, later) if part)
    if kind == "checklist_changed":
        added, removed = (_(", ").join(map(_document, given[name])) for name in ("added", "removed"))
        parts = (
            _("added: %(documents)s", documents=added) if added else "",
            _("no longer wanted: %(documents)s", documents=removed) if removed else "",
        )
        return " · ".join(part for part in parts if part)
    return ""


def _party(given: dict[str, Any]) -> str:
    return " ".join(
        part for part in (label(given["party_kind"], "party_kind"), given["plate"] or given["name"]) if part
    )


def _document(code: str) -> str:
    return label(code, "document_code")


def _yuan(fen: int) -> str:
    return format_yuan(fen, sign=True)
