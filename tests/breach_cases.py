"""Broken promises for tests: a survey promised in 60 minutes that went through several hands; and papers of proof."""

from datetime import date, datetime, timedelta

from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla.reviews import CorrectionAsked, SignReview
from tests.factories import UserFactory
from tests.world import World

MINUTE = timedelta(minutes=1)
CORRECTION = CorrectionAsked("移交页显示接手人在办量", date(2026, 11, 30))


def matter_of(world: World, number: int = 1) -> Matter:
    """A claim of the Gongyi branch, as far as clocks care."""
    return Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)


def late_survey(
    world: World, now: datetime, *, number: int = 1, holder: User | None = None, minutes: int = 95
) -> Timer:
    """A survey promised in 60 minutes, so many minutes ago, still open and swept; held by claims1."""
    at = now - minutes * MINUTE
    timer = sla.start(
        matter_of(world, number),
        ClockStep.SURVEY,
        holder_id=(holder or world.claims1).id,
        at=at,
        actor=None,
        now=at,
    )
    assert timer is not None
    sla.check_timer(timer.id, now - MINUTE)
    db.session.commit()
    return timer


def second_manager(world: World) -> User:
    """Another manager of the account."""
    user: User = UserFactory(
        username="manager2", name="钱立新", role=world.manager.role, accounts=[world.account]
    )
    db.session.commit()
    return user


def finding(
    responsible: User | None,
    *,
    cause: str = "workload",
    explanation: str = "当日在办 11 件，未及时求助",
    correction: CorrectionAsked | None = CORRECTION,
) -> SignReview:
    """What a manager writes."""
    return SignReview(cause, responsible.id if responsible else None, explanation, correction)


def reviewed(world: World, now: datetime, *, due_on: date, owner: User | None = None) -> BreachReview:
    """A signed review whose correction is claims1's, or the owner's, to be made by `due_on`."""
    timer = late_survey(world, now)
    correction = CorrectionAsked("移交页显示接手人在办量", due_on, owner.id if owner else None)
    review = sla.sign_review(
        timer.id, finding(world.claims1, correction=correction), actor=world.manager, now=now
    )
    db.session.commit()
    return review


def paper(matter: Matter, at: datetime) -> int:
    """A paper that proves a pause or a time of the matter; its file is never opened."""
    document = Document(
        account_id=matter.account_id,
        branch_id=matter.branch_id,
        matter_kind=matter.kind,
        matter_id=matter.id,
        kind=DocumentKind.PAUSE_EVIDENCE,
        filename="照片.jpg",
        content_type="image/jpeg",
        size_bytes=1,
        sha256="0",
        original_key="0",
        storage_key="0",
        uploaded_at=at,
    )
    db.session.add(document)
    db.session.flush()
    return document.id
