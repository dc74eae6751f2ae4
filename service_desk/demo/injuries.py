"""The demo's injured: named and followed up on the claims that are still open, so that some are due today."""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.demo.group import Group, person_name
from service_desk.models.claim_parties import ClaimParty
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.claim_parties import InjurySeverity, PartyKind, PersonRole, TreatmentStage
from service_desk.services.claims import injuries, parties

_FOLLOWED = 8
_HOSPITALS = ("郑州市中心医院", "巩义市人民医院", "中牟县人民医院", "新郑市人民医院")
_CONDITIONS = ("颈部扭伤，门诊理疗", "右小腿骨裂，石膏固定", "多处软组织挫伤，留院观察", "肋骨骨折，住院治疗")
_STAGES = (
    TreatmentStage.OUTPATIENT,
    TreatmentStage.INPATIENT,
    TreatmentStage.EMERGENCY,
    TreatmentStage.INPATIENT,
)


def build_injuries(group: Group, random: Random, now: datetime) -> None:
    """Follow the injured of the latest open claims; every other one is to be asked after by today."""
    statement = (
        select(ClaimParty, Claim)
        .join(Claim, Claim.id == ClaimParty.claim_id)
        .where(
            Claim.account_id == group.account.id,
            Claim.state.in_(OPEN_STATES),
            ClaimParty.kind == PartyKind.PERSON,
            Claim.reported_at < now - timedelta(hours=2),
        )
        .order_by(Claim.reported_at.desc(), ClaimParty.id)
        .limit(_FOLLOWED)
    )
    for place, (party, claim) in enumerate(db.session.execute(statement).tuples().all()):
        _follow(party, claim, place, random, now)


def _follow(party: ClaimParty, claim: Claim, place: int, random: Random, now: datetime) -> None:
    handler = db.session.get_one(User, claim.owner_id)
    facts = parties.PartyFacts(
        kind=PartyKind.PERSON,
        name=person_name(random),
        role=PersonRole.PEDESTRIAN if place % 2 else PersonRole.OTHER_VEHICLE,
        severity=InjurySeverity.SERIOUS if place % 3 == 0 else InjurySeverity.SLIGHT,
        age=random.randint(19, 71),
        phone=f"137 3716 {random.randint(1000, 9999)}",
        hospital=_HOSPITALS[place % len(_HOSPITALS)],
    )
    parties.change_party(claim.number, party.id, facts, party.version, actor=handler, now=now)
    so_far = random.randint(4, 30) * 100_00
    entry = injuries.FollowUpFacts(
        party_id=party.id,
        on_day=local_date(claim.reported_at),
        condition=_CONDITIONS[place % len(_CONDITIONS)],
        stage=_STAGES[place % len(_STAGES)],
        cost_fen=so_far,
        forecast_fen=so_far + random.randint(2, 20) * 100_00,
        next_on=max(local_date(now), local_date(claim.reported_at) + timedelta(days=1))
        if place % 2 == 0
        else local_date(now) + timedelta(days=5),
    )
    injuries.follow_injured(claim.number, entry, actor=handler, now=now)
