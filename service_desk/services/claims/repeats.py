"""An accident told twice: what the second report brings goes to the claim there is, and the answer is kept."""

from collections.abc import Sequence
from datetime import datetime

from service_desk.adapters.file_store import FileStore
from service_desk.base.text import one_line, squeeze
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.permissions import Side
from service_desk.services import audit, documents, notices
from service_desk.services.claims import people, report_numbers, reserves
from service_desk.services.claims.common import log_event, matter_of
from service_desk.services.claims.report_checks import ReportCommand
from service_desk.services.claims.similar import Similar
from service_desk.services.documents import Upload


def add_to(
    claim: Claim,
    command: ReportCommand,
    photos: Sequence[Upload],
    *,
    actor: User,
    now: datetime,
    files: FileStore,
) -> None:
    """Add a second report's photos and words to a claim, which is locked, and tell its handler."""
    for photo in photos:
        documents.store_photo(
            files, photo, DocumentKind.SCENE_PHOTO, matter_of(claim), field="photos", actor=actor, now=now
        )
    name = one_line(command.reporter_name) or actor.name
    params = {
        "name": name,
        "phone": squeeze(command.callback_phone),
        "photos": len(photos),
        "place": one_line(command.place),
        "other_party": one_line(command.other_party),
        "loss_at": command.loss_at.isoformat(),
        "injured_count": command.injured_count,
        "report_no": report_numbers.stated(command, actor)["report_no"],
    }
    note = command.description.strip()
    log_event(claim, "report_repeated", actor=actor, at=now, now=now, params=params, note=note)
    audit.record("claim_report_repeated", claim, actor=actor, now=now)
    _follow_estimate(claim, command, actor, now)
    report_numbers.learn(claim, command, actor=actor, now=now)
    handler = db.session.get_one(User, claim.owner_id)
    if handler.id != actor.id:
        notices.queue(
            "claim_report_repeated",
            notices.user_recipient(handler),
            people.basics(claim)
            | {
                "description": note,
                "photos": len(photos),
                "injured_count": command.injured_count,
                "reporter_name": name,
                # Then it is not reported anew: its handler reopens it, or says why not.
                "is_ended": claim.state not in OPEN_STATES,
                "callback_phone": params["phone"],
            },
            dedupe=f"claim_report_repeated:{claim.id}:{now.isoformat()}",
            now=now,
            matter=matter_of(claim),
        )


def _follow_estimate(claim: Claim, command: ReportCommand, actor: User, now: datetime) -> None:
    """A higher estimate of the second report counts until a surveyor has made one; the client states none."""
    is_unsurveyed = claim.state in OPEN_STATES and claim.surveyed_at is None
    estimate_fen = command.estimate_fen or 0
    if is_unsurveyed and actor.side is Side.INSURER and estimate_fen > claim.reserve_fen:
        reserves.estimate(claim, estimate_fen, "report", actor=actor, now=now)


def note_answer(claim: Claim, similar: Similar, *, actor: User, now: datetime) -> None:
    """Keep on a new claim that it was asked about others like it, and that it is one of its own."""
    params = {"claims": similar.numbers, "unseen": similar.unseen}
    log_event(claim, "reported_anew", actor=actor, at=now, now=now, params=params, is_internal=True)
    changes = {"possible_duplicates": (None, similar.numbers or similar.unseen)}
    audit.record("claim_reported_anew", claim, actor=actor, now=now, changes=changes)
