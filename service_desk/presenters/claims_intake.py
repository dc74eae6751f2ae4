"""A claim's report, accident, arrival and photos in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.models.claims import Claim, ClaimEvent
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.rules.claim_intake import is_late, out_of_order
from service_desk.rules.claim_photos import PhotoGroup
from service_desk.services.claims.photos import PhotoView

UNGROUPED = "none"


def title(event: ClaimEvent) -> str:
    """The time line's title for what is told here; "" for other events."""
    given: dict[str, Any] = event.params
    if event.kind == "report_repeated":
        return _("Reported again by %(name)s", name=given["name"])
    if event.kind == "reported_anew":
        return _("Asked whether it is known already: another accident")
    if event.kind == "accident_joined":
        return _("Part of the accident %(number)s", number=given["event"])
    if event.kind == "accident_left":
        return _("No longer part of the accident %(number)s", number=given["event"])
    if event.kind == "complete_report":
        return _("Report completed")
    if event.kind == "report_no_entered":
        return _("Report number entered") if given["report_no"] else _("Report number taken off")
    if event.kind == "photos_added":
        return ngettext("%(num)s photo added", "%(num)s photos added", given["photos"])
    if event.kind == "sketch_added":
        return _("Sketch of the scene added")
    return ""


def detail(event: ClaimEvent, claim: Claim) -> str:
    """The line below it; "" where there is none."""
    given: dict[str, Any] = event.params
    if event.kind == "reported":
        return _late(claim) if given.get("is_late") else ""
    if event.kind == "report_repeated":
        photos = ngettext("%(num)s photo", "%(num)s photos", given["photos"]) if given["photos"] else ""
        number = _("Report number %(number)s", number=given["report_no"]) if given.get("report_no") else ""
        return " · ".join(part for part in (photos, given["phone"], given["place"], number) if part)
    if event.kind in {"reported_anew", "accident_joined"}:
        return _(", ").join(given["claims"])
    if event.kind == "report_no_entered":
        return str(given["report_no"])
    if event.kind == "arrive":
        return _arrived(given)
    if event.kind == "complete_report":
        return _completed(given)
    if event.kind == "photos_added" and given["group"]:
        return label(given["group"], "photo_group")
    return ""


def _late(claim: Claim) -> str:
    late = _("late: %(time)s after the loss", time=lateness(claim))
    return " · ".join(part for part in (late, claim.late_reason) if part)


def lateness(claim: Claim) -> str:
    """How long after the loss it was reported: `3 d 4 h`."""
    return times.duration((claim.reported_at - claim.loss_at).total_seconds())


def _arrived(given: dict[str, Any]) -> str:
    parts = [_("time typed in, not stamped") if given.get("is_typed") else ""]
    if given.get("distance_m") is not None:
        parts.append(_("%(distance)s from the reported place", distance=metres(given["distance_m"])))
    elif given.get("has_position"):
        parts.append(_("position kept"))
    return " · ".join(part for part in parts if part)


def metres(count: int) -> str:
    """A distance as people say it: `340 m`, `4.2 km`."""
    return _("%(count)s m", count=count) if count < 1000 else _("%(count)s km", count=f"{count / 1000:.1f}")


def _completed(given: dict[str, Any]) -> str:
    fields = _(", ").join(label(name, "audit_field") for name in given["fields"])
    return " · ".join(part for part in (fields, cover_change(given)) if part)


def cover_change(given: dict[str, Any]) -> str:
    """What a changed time of loss did to the cover; "" when that time was not changed."""
    if "covers_after" not in given:
        return ""
    before, after = given["covers_before"], given["covers_after"]
    if not after:
        return _("no cover of ours at the new time")
    if before == after:
        return _("the same cover at the new time")
    return _("other cover at the new time: %(covers)s", covers=_covers(after))


def _covers(pairs: Sequence[Sequence[str]]) -> str:
    return _(", ").join(f"{label(code, 'cover')} {number}".strip() for code, number in pairs)


def order_problems(claim: Claim) -> list[str]:
    """Dates of the claim that stand the wrong way round, a sentence each."""
    dates: dict[str, datetime | None] = {
        "loss_at": claim.loss_at,
        "reported_at": claim.reported_at,
        "arrived_at": claim.arrived_at,
        "surveyed_at": claim.surveyed_at,
        "closed_at": claim.closed_at,
    }
    return [
        _(
            "%(later)s (%(second)s) lies before %(earlier)s (%(first)s).",
            later=label(later, "claim_date"),
            second=times.minute(dates[later]),
            earlier=label(earlier, "claim_date"),
            first=times.minute(dates[earlier]),
        )
        for earlier, later in out_of_order(dates)
    ]


def missing_words(claim: Claim) -> list[str]:
    """What a report still lacks, by name."""
    lacking = {
        "place": not claim.place,
        "description": not claim.description,
        "late_reason": is_late(claim.loss_at, claim.reported_at) and not claim.late_reason,
    }
    return [label(name, "audit_field") for name, is_lacking in lacking.items() if is_lacking]


@dataclass(frozen=True)
class PhotoTab:
    """A group of photos as a tab."""

    code: str
    label: str
    count: int


def photo_tabs(photos: Sequence[PhotoView]) -> list[PhotoTab]:
    """All, then each group, then those of none if there are any."""
    codes = [photo.document.photo_group for photo in photos]
    tabs = [PhotoTab("", _("All"), len(photos))]
    tabs += [PhotoTab(group.value, label(group, "photo_group"), codes.count(group)) for group in PhotoGroup]
    if None in codes:
        tabs.append(PhotoTab(UNGROUPED, _("Not grouped"), codes.count(None)))
    return tabs


def in_group(photos: Sequence[PhotoView], code: str) -> list[PhotoView]:
    """The photos of a tab; of an unknown one all of them."""
    if code == UNGROUPED:
        return [photo for photo in photos if photo.document.photo_group is None]
    if code in {group.value for group in PhotoGroup}:
        return [photo for photo in photos if photo.document.photo_group == code]
    return list(photos)


def warning_words(photo: PhotoView, claim: Claim) -> list[str]:
    """What should make a reader look twice, a sentence each."""
    return [_warning(warning.value, photo, claim) for warning in photo.warnings]


def _warning(code: str, photo: PhotoView, claim: Claim) -> str:
    if code == "taken_before_loss" and photo.document.taken_at is not None:
        before = times.duration(int((claim.loss_at - photo.document.taken_at).total_seconds()))
        return _("Taken %(time)s before the loss, by the camera's clock.", time=before)
    if code == "far_from_place" and photo.distance_m is not None:
        return _("Taken %(distance)s from the reported place.", distance=metres(photo.distance_m))
    if photo.elsewhere:
        return _("The same file is on %(claims)s.", claims=_(", ").join(photo.elsewhere))
    return _("The same file is on another claim that you do not see.")
