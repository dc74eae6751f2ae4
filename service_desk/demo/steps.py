"""The steps of the demo's claims: each waits as people do, then calls the service the page calls."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select, update

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import CHINA
from service_desk.base.errors import Invalid
from service_desk.demo import cast
from service_desk.models.claims import Assessment, Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryState, MatterKind
from service_desk.models.sla import TimerState
from service_desk.models.users import User
from service_desk.presenters.claim_letters import print_letter
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.claim_letters import RefusalClause
from service_desk.rules.claim_losses import LossItem, LossKind, losses_of
from service_desk.rules.sla import PauseReason
from service_desk.rules.vocabulary import Fault
from service_desk.services import enquiries, sla
from service_desk.services.claims import (
    authority,
    calculating,
    closing,
    exits,
    follow_ups,
    handling,
    letters,
    papers,
    plans,
    settlement,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Walk:
    """One claim on its way: who works on it, what happened, and the instant reached."""

    number: str
    handler: User
    other: User
    at: datetime
    until: datetime
    story: tuple[str, bool, int]
    estimate_fen: int
    fault: Fault
    random: Random
    files: FileStore

    def wait(self, low: timedelta, high: timedelta, *, late: float = 0.0, late_by: timedelta = HOUR) -> bool:
        """Move on by a length between the two, now and then too late; False when that lies in the future."""
        span = low + (high - low) * self.random.random()
        if self.random.random() < late:
            span = high + late_by * (0.2 + self.random.random())
        self.at += span
        return self.at <= self.until

    def wait_for_office(self, hours: float, *, late: float = 0.0) -> bool:
        """Move on to office hours at least `hours` later, sometimes days later."""
        extra = DAY * (3 + 4 * self.random.random()) if self.random.random() < late else timedelta()
        self.at = _office_time(
            self.at + HOUR * hours * (0.6 + 0.8 * self.random.random()) + extra, self.random
        )
        return self.at <= self.until


def _office_time(at: datetime, random: Random) -> datetime:
    """The instant itself in office hours, else soon after the next opening. Rest days of the law aside."""
    local = at.astimezone(CHINA)
    if local.weekday() < 5 and 9 <= local.hour < 17 and local.hour != 12:
        return local
    if local.hour >= 17 or local.weekday() >= 5:
        local = (local + DAY).replace(hour=8, minute=40)
        while local.weekday() >= 5:
            local += DAY
    elif local.hour < 9:
        local = local.replace(hour=8, minute=40)
    else:
        local = local.replace(hour=13, minute=35)
    return local + MINUTE * random.randrange(0, 90)


def dispatch(walk: Walk) -> bool:
    if not walk.wait(MINUTE, 4.5 * MINUTE, late=0.05, late_by=9 * MINUTE):
        return False
    handling.dispatch(walk.number, handling.Dispatch(walk.handler.id), actor=walk.handler, now=walk.at)
    return True


def contact(walk: Walk) -> bool:
    if not walk.wait(2 * MINUTE, 8 * MINUTE, late=0.05, late_by=15 * MINUTE):
        return False
    words = handling.Contact(at=walk.at, spoken_with="驾驶员")
    handling.record_contact(walk.number, words, actor=walk.handler, now=walk.at)
    return True


def arrive(walk: Walk) -> bool:
    if not walk.wait(8 * MINUTE, 18 * MINUTE, late=0.08, late_by=45 * MINUTE):
        return False
    handling.record_arrival(walk.number, handling.ArrivalRecord(), actor=walk.handler, now=walk.at)
    return True


def survey(walk: Walk) -> bool:
    if not walk.wait(15 * MINUTE, 50 * MINUTE):
        return False
    _words, has_other, injured = walk.story
    features = {ClaimFeature.OWN_DAMAGE}
    features |= {ClaimFeature.THIRD_PARTY_PROPERTY} if has_other else {ClaimFeature.SINGLE_VEHICLE}
    features |= {ClaimFeature.INJURY} if injured else set()
    is_first = walk.random.random() < 0.82
    command = handling.SurveyRecord(
        arrived_at=None,
        is_first_scene=is_first,
        not_first_scene_reason="" if is_first else "车辆已按交警要求移离现场",
        findings=walk.random.choice(cast.FINDINGS),
        estimate_fen=walk.estimate_fen,
        features=frozenset(features),
    )
    handling.record_survey(walk.number, command, actor=walk.handler, now=walk.at, files=walk.files)
    return True


def assess(walk: Walk) -> bool:
    if walk.estimate_fen <= 2000_00:
        in_time = walk.wait(8 * MINUTE, 50 * MINUTE, late=0.06)
    elif walk.random.random() < 0.1:
        in_time = _interrupt(walk) and walk.wait_for_office(12, late=0.5)
    else:
        in_time = walk.wait_for_office(20, late=0.08)
    if not in_time:
        return False
    command = handling.AssessmentRecord(method=walk.random.choice(cast.REPAIRS), items=_items(walk))
    handling.record_assessment(walk.number, command, actor=walk.handler, now=walk.at, files=walk.files)
    return True


def _interrupt(walk: Walk) -> bool:
    """An assessment that waits for the garage's price and then changes hands."""
    timers = sla.timers_of("claim", [_claim(walk).id]).popitem()[1]
    timer = next(t for t in timers if t.step is ClockStep.ASSESSMENT and t.state is TimerState.RUNNING)
    if not walk.wait_for_office(3):
        return False
    reason = PauseReason.WAITING_FOR_THIRD_PARTY
    sla.pause(timer.id, reason, "等待修理厂报价", None, actor=walk.handler, now=walk.at)
    if not walk.wait_for_office(4):
        return False
    sla.resume(timer.id, actor=walk.handler, now=walk.at)
    offer = enquiries.ask_handover(
        MatterKind.CLAIM, walk.number, walk.other.id, "明日培训，烦请接手", actor=walk.handler, now=walk.at
    )
    db.session.flush()
    if not walk.wait(15 * MINUTE, 80 * MINUTE):
        return False
    enquiries.accept(offer.id, actor=walk.other, now=walk.at)
    walk.handler, walk.other = walk.other, walk.handler
    return True


def _items(walk: Walk) -> tuple[LossItem, ...]:
    _words, has_other, injured = walk.story
    total = int(walk.estimate_fen * walk.random.uniform(0.9, 1.1)) // 1000 * 1000
    if injured:
        medical = total * 6 // 10 // 1000 * 1000
        return (
            LossItem("伤者医疗费", LossKind.INJURY, medical),
            LossItem("对方车辆修理费", LossKind.THIRD_PARTY_VEHICLE, total - medical),
        )
    if has_other:
        other = total * 45 // 100 // 1000 * 1000
        return (
            LossItem("对方车辆修理费", LossKind.THIRD_PARTY_VEHICLE, other),
            LossItem("本车修理费", LossKind.OWN_VEHICLE, total - other),
        )
    return (LossItem("本车修理费", LossKind.OWN_VEHICLE, total),)


def request(walk: Walk) -> bool:
    if not walk.wait_for_office(4):
        return False
    papers.request_documents(walk.number, "", actor=walk.handler, now=walk.at)
    return True


def complete(walk: Walk) -> bool:
    if not walk.wait_for_office(24 * walk.random.uniform(1, 7)):
        return False
    claim = _claim(walk)
    db.session.execute(
        update(WantedDocument)
        .where(WantedDocument.claim_id == claim.id, WantedDocument.state == WantedState.REQUIRED)
        .values(state=WantedState.RECEIVED, decided_by_id=walk.handler.id, decided_at=walk.at)
    )
    db.session.expire_all()
    papers.complete(walk.number, actor=walk.handler, now=walk.at)
    return True


def _claim(walk: Walk) -> Claim:
    return db.session.query(Claim).filter_by(number=walk.number).one()


def calculate(walk: Walk) -> bool:
    if not walk.wait_for_office(3, late=0.06):
        return False
    losses = losses_of(_items_recorded(walk))
    command = calculating.CalculationInputs(
        fault=walk.fault,
        property_fen=losses.property_fen,
        medical_fen=losses.medical_fen,
        own_damage_fen=losses.own_damage_fen,
    )
    try:
        settlement.calculate(walk.number, command, actor=walk.handler, now=walk.at)
    except Invalid:
        # Damage to the own vehicle alone, and no own-damage cover: the insured is told and withdraws.
        exits.withdraw(walk.number, "未投保车辆损失险，客户撤回报案", actor=walk.handler, now=walk.at)
        return False
    return True


def _items_recorded(walk: Walk) -> list[LossItem]:
    row = db.session.scalars(
        select(Assessment)
        .where(Assessment.claim_id == _claim(walk).id)
        .order_by(Assessment.id.desc())
        .limit(1)
    ).one()
    return [LossItem(item["label"], LossKind(item["kind"]), item["amount_fen"]) for item in row.items]


def approve(walk: Walk) -> bool:
    if not walk.wait_for_office(3):
        return False
    latest = settlement.latest_calculation(_claim(walk).id)
    if latest is None:
        return False
    approver = _decider(walk, latest.total_fen)
    settlement.approve(walk.number, settlement.Approve(latest.id), actor=approver, now=walk.at)
    return True


def _decider(walk: Walk, amount_fen: int) -> User:
    """The colleague at the next table, or a manager where the sum is beyond their authority."""
    account_id = _claim(walk).account_id
    if authority.may_decide(account_id, amount_fen, actor=walk.other, now=walk.at):
        return walk.other
    return authority.who_may(account_id, amount_fen, now=walk.at, besides=(walk.handler.id,))[0]


def pay(walk: Walk) -> bool:
    claim = _claim(walk)
    if claim.approved_fen <= claim.paid_fen:
        return True
    if not walk.wait_for_office(3, late=0.06):
        return False
    command = settlement.Pay(
        amount_fen=claim.approved_fen - claim.paid_fen,
        payee=cast.ACCOUNT_NAME,
        account_number="41003710008801" + f"{walk.random.randint(100000, 999999)}",
        bank="郑州银行航海路支行",
        reference=f"ZF{walk.at:%Y%m%d}{walk.random.randint(100, 999)}",
    )
    settlement.pay(walk.number, command, actor=walk.other, now=walk.at)
    return True


def close(walk: Walk) -> bool:
    if not walk.wait_for_office(2):
        return False
    plan = plans.suggested(_claim(walk))
    command = closing.Close(releases_reserve=True, follow_up=plan, zero_reason="责任认定后无应付赔款")
    closing.close(walk.number, command, actor=walk.handler, now=walk.at)
    return True


def follow_up(walk: Walk) -> bool:
    if not walk.wait_for_office(10, late=0.08):
        return False
    score = walk.random.choices((5, 4, 3, 2), weights=(60, 28, 9, 3))[0]
    comment = "赔款到账前没有人说明进度" if score <= 2 else ""
    command = follow_ups.FollowUpRecord(
        walk.at, "安全科", score, comment, speed=score, attitude=min(5, score + 1), result=score
    )
    follow_ups.follow_up(walk.number, command, actor=walk.handler, now=walk.at)
    if comment:
        _answer_complaint(walk)
    return True


def _answer_complaint(walk: Walk) -> None:
    """A dissatisfied follow-up opened a first contact; its owner rings back within minutes."""
    db.session.flush()
    enquiry = db.session.scalars(
        select(Enquiry).where(Enquiry.claim_id == _claim(walk).id, Enquiry.state == EnquiryState.OPEN)
    ).one()
    if not walk.wait(5 * MINUTE, 25 * MINUTE):
        return
    reply = "已向安全科致歉并说明进度，今后每步办结当日电话告知"
    enquiries.answer(enquiry.number, reply, enquiry.version, actor=walk.handler, now=walk.at)
    db.session.flush()
    enquiries.close(enquiry.number, enquiry.version, actor=walk.handler, now=walk.at + HOUR)


def withdraw(walk: Walk) -> bool:
    if not walk.wait(10 * MINUTE, 40 * MINUTE):
        return False
    exits.withdraw(walk.number, "双方当场协商解决，客户撤回报案", actor=walk.handler, now=walk.at)
    # Letters of long ago would only cost the newcomer time.
    if walk.until - walk.at < 30 * DAY:
        _write_letter(walk)
        sent = letters.SendLetter(at=walk.at, sent_to="安全科", means="微信送达电子版")
        letters.send(walk.number, sent, actor=walk.handler, now=walk.at)
    if _claim(walk).surveyed_at is not None:
        follow_up(walk)
    return False


def deny(walk: Walk) -> bool:
    if not walk.wait_for_office(30):
        return False
    denial = exits.Denial(
        (RefusalClause.OWN_DAMAGE_VEHICLE,),
        "行驶证、号牌已被注销，损失不属于保险责任",
        facts="经车管所查询，出险时被保险机动车行驶证、号牌处于注销状态。",
    )
    exits.deny(walk.number, denial, actor=_decider(walk, _claim(walk).reserve_fen), now=walk.at)
    if walk.wait_for_office(10, late=0.2):
        _write_letter(walk)
        letter = exits.DenialLetter(at=walk.at, sent_to="集团保险部", means="专人送达")
        exits.send_denial_letter(walk.number, letter, actor=walk.handler, now=walk.at)
        return True
    return False


def _write_letter(walk: Walk) -> None:
    command = letters.WriteLetter(addressee=cast.ACCOUNT_NAME)
    letters.write(
        walk.number, command, print_letter=print_letter, files=walk.files, actor=walk.handler, now=walk.at
    )


def reopen(walk: Walk) -> bool:
    if walk.wait_for_office(24 * 9):
        reopened = exits.Reopen(reason="伤者后续治疗费用补充理赔", reserve_fen=walk.estimate_fen * 14 // 10)
        exits.reopen(walk.number, reopened, actor=walk.handler, now=walk.at)
        walk.estimate_fen = reopened.reserve_fen
        return True
    return False


# A reopened claim goes through these once more.
SECOND_ROUND: list[Callable[[Walk], bool]] = [assess, complete, calculate, approve, pay, close, follow_up]
