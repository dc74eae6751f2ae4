"""The demo's service commitments: an older version, and the one in force since the start of last half-year."""

from datetime import date, datetime, time
from decimal import Decimal

from service_desk.base.clock import CHINA, local_date
from service_desk.demo.group import Group
from service_desk.rules.periods import months_after
from service_desk.services import commitments
from service_desk.services.commitments import DraftTerms, PromiseTerms

_FIRST_REPLY = PromiseTerms(
    "来电来访三十分钟内答复",
    "step:first_reply",
    Decimal(95),
    "Every call and visit is answered within 30 minutes",
    "首问负责：谁先接待谁负责到底，三十分钟内给出答复或办理人姓名、工号和电话。",
    "Whoever is first asked owns the matter: within 30 minutes you have an answer, or name, staff number and phone.",
)
_SURVEY = PromiseTerms(
    "查勘及时到达现场",
    "measure:surveyed_in_time",
    Decimal(90),
    "Surveyors reach the scene in time",
    "城区三十分钟、其他区域六十分钟到达，以定位照片为准。",
    "Within 30 minutes in town and 60 elsewhere, as photos with their place show.",
)
_LARGE = PromiseTerms(
    "大额案件当日告知",
    "step:large_loss_notice",
    Decimal(100),
    "Large losses are told the same day",
    "估损一万元及以上的案件，当日书面告知集团保险部。",
    "Estimates of 10,000 yuan or more are told to the insurance department in writing on the day.",
)
_PAYMENT = PromiseTerms(
    "达成协议后按时付款",
    "step:payment",
    Decimal(95),
    "Payment in time after agreement",
    "一万元以下一个工作日，一万元及以上十日内。",
    "Up to 10,000 yuan within a working day, above within ten days.",
)
_CALCULATION = PromiseTerms(
    "单证齐全后按时理算", "step:calculation", Decimal(92), "Calculated in time once documents are complete"
)
_CYCLE = PromiseTerms(
    "平均结案周期不超过二十五天",
    "measure:closing_cycle",
    Decimal(25),
    "Claims are closed within 25 days on average",
    "自报案之日起至结案之日止。",
    "From the day of the report to the day of closing.",
)
_FOLLOWED_UP = PromiseTerms(
    "每案必访", "measure:followed_up", Decimal(95), "Every closed claim is followed up"
)
_SCORE = PromiseTerms(
    "回访满意度不低于四分半",
    "measure:follow_up_score",
    Decimal("4.5"),
    "Follow-ups score 4.5 or more",
    "满分五分，由分公司安全员评价。",
    "Out of five, as the branches' safety officers judge.",
)
_COVERAGE = PromiseTerms(
    "营运车辆保障覆盖率百分之百",
    "measure:coverage",
    Decimal(100),
    "Every vehicle on the road is covered",
    "漏保车辆当日发现、逐车追踪直至投保或停驶。",
    "A vehicle without cover is found the same day and chased until it is insured or off the road.",
)
_FIRST = (_FIRST_REPLY, _SURVEY, _LARGE, _FOLLOWED_UP, _COVERAGE)
_SECOND = (_PAYMENT, _CALCULATION, _CYCLE, _SCORE)
_PREFACE = "服务台进驻集团办公，一站办理承保、查勘、理赔。以下承诺按月如实公布，未兑现的由主管书面说明原因。"
_PREFACE_EN = (
    "The desk works at the group's premises, from issuing to payment in one place. These promises are published "
    "with their figures every month; of those not kept the manager explains in writing why."
)


def build_promises(group: Group, now: datetime) -> None:
    """Publish a first version fourteen months ago, and one with more promises seven months ago."""
    today = local_date(now)
    _publish(group, months_after(today, -14).first, _FIRST)
    _publish(group, months_after(today, -7).first, _SECOND)


def _publish(group: Group, day: date, promises: tuple[PromiseTerms, ...]) -> None:
    """A version that counts from its day on: what the former one promised, and some more."""
    manager, at = group.users["manager"], datetime.combine(day, time(9, 30), CHINA)
    account_id = group.account.id
    commitments.start_draft(account_id, actor=manager, now=at)
    terms = DraftTerms(day, _PREFACE, _PREFACE_EN, "何文涛（分公司总经理室）", "0371 6595 5501")
    commitments.change_draft(account_id, terms, version=_version(group), actor=manager, now=at)
    for one in promises:
        commitments.add_promise(account_id, one, version=_version(group), actor=manager, now=at)
    commitments.publish(account_id, version=_version(group), actor=manager, now=at)


def _version(group: Group) -> int:
    draft, _promises = commitments.get_draft(group.account.id, actor=group.users["manager"])
    return draft.version
