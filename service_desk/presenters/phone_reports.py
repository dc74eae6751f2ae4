"""What a phone is told about a report it sent and about the vehicles it may report; what the desk reads of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pictures
from service_desk.base.errors import Invalid
from service_desk.models.fleet import Vehicle
from service_desk.models.phone_reports import PhonePhoto, PhoneReport, PhotoState
from service_desk.presenters import claims as claim_words
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.messages import sentence
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.documents import MAX_FILES, MAX_PHOTO_BYTES
from service_desk.services.policies import VehicleCoverage

WORTH_SAYING = timedelta(minutes=3)
"""A report that was on its way no longer than this was simply sent."""


@dataclass(frozen=True)
class ArrivedReport:
    """A phone's report as the claim's page tells it; times are None when there is nothing to say of them."""

    typed_at: datetime | None
    received_at: datetime
    photo_count: int
    open_count: int
    refused: list[str]


def photo_state(photo: PhonePhoto) -> dict[str, Any]:
    """How far a photo is, and why it was refused."""
    return {
        "state": photo.state.value,
        "received": photo.received_bytes,
        "message": refusal(photo) if photo.state is PhotoState.REFUSED else "",
    }


def refusal(photo: PhonePhoto) -> str:
    """Why a photo was refused, with its name."""
    params: dict[str, Any] = {
        "filename": photo.filename,
        "megabytes": MAX_PHOTO_BYTES // 2**20,
        "megapixels": pictures.MAX_PIXELS // 1_000_000,
        "most": MAX_FILES,
    }
    return sentence(Invalid(photo.refusal, **params))


def arrived(report: PhoneReport, photos: Sequence[PhonePhoto]) -> ArrivedReport:
    """What the claim's page says of a report that came from a phone."""
    waited = report.typed_at is not None and report.received_at - report.typed_at >= WORTH_SAYING
    return ArrivedReport(
        typed_at=report.typed_at if waited else None,
        received_at=report.received_at,
        photo_count=len(photos),
        open_count=sum(photo.state is PhotoState.OPEN for photo in photos),
        refused=[refusal(photo) for photo in photos if photo.state is PhotoState.REFUSED],
    )


def retyped(changed: dict[str, Any]) -> str:
    """The fields that were changed on the phone after the report had arrived, with what stands there now."""
    parts = [f"{label(name, 'report_field')}: {value or '—'}" for name, value in changed.items()]
    return " · ".join(parts)


def snapshot(
    vehicles: Sequence[Vehicle], coverage: dict[int, VehicleCoverage], person: str, now: datetime
) -> dict[str, Any]:
    """Vehicles with their cover for a phone to keep, in the reader's words."""
    return {
        "person": person,
        "as_of": _("As of %(time)s, without network.", time=times.minute(now)),
        "vehicles": [
            {
                "value": vehicle.plate,
                "label": claim_words.plate(vehicle.plate or ""),
                "detail": " ".join(
                    part for part in (vehicle.model, label(vehicle.use_class, "use_class")) if part
                ),
                "lines": list(_lines(coverage[vehicle.id])),
            }
            for vehicle in vehicles
            if vehicle.id in coverage
        ],
    }


def _lines(found: VehicleCoverage) -> list[tuple[str, str]]:
    """Tone and words of each line: until when it holds, or that it is missing."""
    lines = []
    for line in PolicyLine:
        name, held = label(line, "policy_line"), found.lines.get(line)
        if held is not None:
            day = last_covered_day(held.unbroken_until).isoformat()
            lines.append(("ok" if held.number else "idle", _("%(line)s until %(day)s", line=name, day=day)))
        if line in found.missing:
            lines.append(("bad", _("%(line)s: missing", line=name)))
    return lines
