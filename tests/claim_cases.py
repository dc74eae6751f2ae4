"""Claims for tests: reported with their cover and clocks, and brought to any step by the services themselves."""

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from PIL import Image

from service_desk.adapters.file_store import FileStore
from service_desk.models.claim_letters import ClaimLetter
from service_desk.models.claims import Claim, ClaimCover, ReportChannel
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import REPORT_STARTS, ClaimState
from service_desk.rules.claim_letters import RefusalClause
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.disputes import DisputeTopic
from service_desk.rules.vocabulary import CoverCode, Fault
from service_desk.services import enquiries, numbers, sla
from service_desk.services.claims import (
    authority,
    closing,
    common,
    disputes,
    exits,
    handling,
    letters,
    papers,
    plans,
    settlement,
)
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.report_checks import ReportCommand
from service_desk.services.documents import Upload
from tests.standing import early, once
from tests.world import World


def picture(filename: str = "现场.jpg") -> Upload:
    """A small photo."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 110, 130)).save(out, "JPEG")
    return Upload(filename, out.getvalue())


def file_store() -> FileStore:
    store = current_app.extensions["file_store"]
    assert isinstance(store, FileStore)
    return store


def least_report(world: World, now: datetime) -> ReportCommand:
    """As little as a report needs: vehicle, when, where, a phone."""
    return ReportCommand(
        account_id=world.account.id,
        plate="豫A12345",
        loss_at=now - timedelta(minutes=12),
        place="G310 巩义站街路口",
        description="",
        reporter_name="",
        callback_phone="13937108891",
    )


def reported_claim(world: World, now: datetime, *, vehicle: Vehicle | None = None, **values: Any) -> Claim:
    """A claim reported 20 minutes ago by the branch, handled by claims1, with CTPL, third-party and own-damage cover."""
    vehicle = vehicle or world.coach
    key = ("reported claim", now, vehicle.id, tuple(sorted(values.items())))
    return once(key, lambda: _report(world, now, vehicle, values))


def _report(world: World, now: datetime, vehicle: Vehicle, values: dict[str, Any]) -> Claim:
    sla.install_defaults(early(now))
    authority.install_defaults()
    at = now - timedelta(minutes=20)
    facts: dict[str, Any] = {
        "number": numbers.next_number("CLM", at.year),
        "account_id": vehicle.account_id,
        "branch_id": vehicle.branch_id,
        "vehicle_id": vehicle.id,
        "plate": vehicle.plate,
        "state": ClaimState.REPORTED,
        "loss_at": at - timedelta(minutes=10),
        "reported_at": at,
        "place": "G310 巩义站街路口",
        "is_urban": False,
        "description": "雨天跟车过近，追尾前方货车",
        "other_party": "豫VD2035",
        "injured_count": 1,
        "channel": ReportChannel.PORTAL,
        "reporter_name": "郭永刚",
        "callback_phone": "13937108891",
        "reported_by_id": world.safety_gongyi.id,
        "owner_id": world.claims1.id,
    }
    claim = Claim(**(facts | values))
    db.session.add(claim)
    db.session.flush()
    for code, limit in (
        (CoverCode.CTPL, 200_000_00),
        (CoverCode.TPL, 1_000_000_00),
        (CoverCode.OWN_DAMAGE, 300_000_00),
    ):
        db.session.add(
            ClaimCover(
                claim_id=claim.id,
                code=code.value,
                policy_number=f"T-{code.value}",
                limit_fen=limit,
                ends_at=now + timedelta(days=90),
            )
        )
    owner = db.session.get_one(User, claim.owner_id)
    common.log_event(claim, "reported", actor=world.safety_gongyi, at=at, now=at)
    enquiries.open_for_claim(claim, owner_id=owner.id, subject="追尾", actor=world.safety_gongyi, now=at)
    for step in REPORT_STARTS:
        common.start_clock(claim, step, at=at, actor=owner, now=at)
    db.session.commit()
    return claim


SURVEY = handling.SurveyRecord(
    arrived_at=None,
    is_first_scene=True,
    not_first_scene_reason="",
    findings="对方车后保险杠破损，一名乘客颈部扭伤",
    estimate_fen=8_000_00,
    features=frozenset({ClaimFeature.THIRD_PARTY_PROPERTY, ClaimFeature.INJURY}),
)
ASSESSMENT = handling.AssessmentRecord(
    method="更换后保险杠总成，喷漆",
    items=(
        LossItem("后保险杠总成", LossKind.THIRD_PARTY_VEHICLE, 6_000_00),
        LossItem("门诊治疗", LossKind.INJURY, 1_500_00),
    ),
)
CALCULATION = CalculationInputs(fault=Fault.MAIN, property_fen=6_000_00, medical_fen=1_500_00)
PAYMENT = settlement.Pay(
    amount_fen=6_300_00,
    payee="郑州联运集团有限公司",
    account_number="6222 0212 3456 7894",
    bank="工商银行巩义支行",
)
DENIAL = exits.Denial((RefusalClause.OWN_DAMAGE_DRIVER,), "事故时驾驶人无证")


def written_letter(claim: Claim, actor: User, now: datetime) -> ClaimLetter:
    """The letter of the claim's end, not yet sent."""
    command = letters.WriteLetter("郑州联运集团保险部")
    printed = {language: b"%PDF-1.7 " + language.encode() + b" %%EOF" for language in letters.LANGUAGES}
    return letters.write(
        claim.number, command, print_letter=lambda _content: printed, files=file_store(), actor=actor, now=now
    )


def dispute(claim: Claim, actor: User, at: datetime, *, version: int | None = None) -> None:
    """The client objects to the share of fault."""
    objection = disputes.RaiseDispute(DisputeTopic.FAULT, "责任比例", raised_for="郭安全")
    disputes.raise_dispute(claim.number, objection, files=file_store(), actor=actor, now=at, version=version)


def close_all(claim: Claim, actor: User, at: datetime, *, zero_reason: str = "") -> None:
    """Close a claim with all that closing asks for."""
    command = closing.Close(True, plans.suggested(claim), zero_reason)
    closing.close(claim.number, command, actor=actor, now=at)


@dataclass
class Journey:
    """Takes one claim along: claims1 does the work, claims2 approves. Each step is a minute after the last."""

    world: World
    claim: Claim
    now: datetime
    done: list[str] = field(default_factory=list)

    def to(self, state: ClaimState) -> Claim:
        """Go on until the claim is in the state."""
        steps = (
            (ClaimState.DISPATCHED, self.dispatch),
            (ClaimState.SURVEYED, self.survey),
            (ClaimState.ASSESSED, self.assess),
            (ClaimState.DOCUMENTS_COMPLETE, self.complete),
            (ClaimState.CALCULATED, self.calculate),
            (ClaimState.APPROVED, self.approve),
            (ClaimState.PAID, self.pay),
            (ClaimState.CLOSED, self.close),
        )
        for reached, step in steps:
            if self.claim.state is state:
                break
            if reached.value not in self.done:
                self.now += timedelta(minutes=1)
                once((type(self).__qualname__, reached, self.claim.id, self.now), step)
                self.done.append(reached.value)
        db.session.commit()
        return self.claim

    def dispatch(self) -> None:
        command = handling.Dispatch(self.world.claims1.id)
        handling.dispatch(self.claim.number, command, actor=self.world.claims1, now=self.now)

    def survey(self) -> None:
        handling.record_arrival(
            self.claim.number, handling.ArrivalRecord(), actor=self.world.claims1, now=self.now
        )
        handling.record_survey(
            self.claim.number, SURVEY, actor=self.world.claims1, now=self.now, files=file_store()
        )

    def assess(self) -> None:
        handling.record_assessment(
            self.claim.number, ASSESSMENT, actor=self.world.claims1, now=self.now, files=file_store()
        )

    def complete(self) -> None:
        codes = tuple(line.code for line in papers.list_wanted(self.claim.id))
        command = papers.ReceiveDocument(codes)
        papers.receive(self.claim.number, command, actor=self.world.claims1, now=self.now, files=file_store())
        papers.complete(self.claim.number, actor=self.world.claims1, now=self.now)

    def calculate(self) -> None:
        settlement.calculate(self.claim.number, CALCULATION, actor=self.world.claims1, now=self.now)

    def approve(self) -> None:
        latest = settlement.latest_calculation(self.claim.id)
        assert latest is not None
        command = settlement.Approve(latest.id)
        settlement.approve(self.claim.number, command, actor=self.world.claims2, now=self.now)

    def pay(self) -> None:
        left = self.claim.approved_fen - self.claim.paid_fen
        command = settlement.Pay(left, PAYMENT.payee, PAYMENT.account_number)
        settlement.pay(self.claim.number, command, actor=self.world.claims2, now=self.now)

    def close(self) -> None:
        command = closing.Close(releases_reserve=True, follow_up=plans.suggested(self.claim))
        closing.close(self.claim.number, command, actor=self.world.claims1, now=self.now)
