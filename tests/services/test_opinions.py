"""Opinions: forms sent, answered and corrected; taken up, replied to, settled; reminded of; seen without names; counted."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import relations_watch
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.notices import Channel, Notice
from service_desk.models.opinions import Opinion, OpinionInvitation
from service_desk.models.relations import AgreedItem
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.opinions import CampaignState, OpinionSource, OpinionState, ReplyMeans, Theme
from service_desk.rules.periods import quarter_of
from service_desk.rules.report_document import ReportKind
from service_desk.services import documents, sla
from service_desk.services.opinions import (
    answering,
    campaigns,
    chasing,
    figures,
    handling,
    joining,
    lists,
    recording,
)
from service_desk.services.opinions.answering import Answer, Mark
from service_desk.services.opinions.campaigns import Guest
from service_desk.services.opinions.handling import Reply
from service_desk.services.opinions.lists import OpinionFilter, OpinionView
from service_desk.services.relations import NewItem, items
from service_desk.services.reports.makers import MAKERS
from tests.claim_cases import picture
from tests.opinion_cases import answered, campaign_plan, held_visit, invitation_of, recorded, sent_campaign
from tests.world import World

DAY = timedelta(days=1)
SLOW = {Theme.SURVEY: Mark(2, "到场慢"), Theme.PAYMENT: Mark(5)}


def told(kind: str, channel: Channel = Channel.MAIL) -> list[str]:
    statement = select(Notice.recipient_name).where(Notice.kind == kind, Notice.channel == channel)
    return list(db.session.scalars(statement.order_by(Notice.id)))


def new_item(world: World, now: datetime) -> NewItem:
    return NewItem("设驻点查勘员", "工作日驻点", world.claims1.id, local_date(now) + 20 * DAY)


class TestForms:
    def test_who_is_asked_gets_a_mail_and_guests_a_link_of_which_only_the_hash_is_kept(
        self, world: World, now: datetime
    ) -> None:
        campaign = sent_campaign(world, now)
        guest = invitation_of(campaign, None)
        token = campaigns.token_of(guest)
        assert sorted(told("opinion_asked")) == sorted(["冯立新", world.hq.name, world.safety_gongyi.name])
        assert guest.token_sha256 != token
        assert not any(
            token in str(one.params) for one in db.session.scalars(select(Notice).order_by(Notice.id))
        )
        assert answering.read_by_link(token, now=now).invitation.id == guest.id
        shown = campaigns.link_mark(guest)
        for _click in range(2):
            campaigns.renew_link(campaign.number, guest.id, shown, actor=world.claims1, now=now)
        assert told("opinion_asked").count("冯立新") == 2
        with pytest.raises(NotFound, match="feedback_link_ended"):
            answering.read_by_link(token, now=now)
        campaigns.revoke_link(campaign.number, guest.id, actor=world.claims1, now=now)
        assert campaigns.token_of(guest) == ""

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"title_en": " "}, "required"),
            ({"questions": ()}, "campaign_no_question"),
            ({"branch_ids": (), "asks_group": False, "guests": ()}, "campaign_nobody"),
            ({"remind_days": -1}, "campaign_remind_days"),
        ],
    )
    def test_what_cannot_be_sent_is_refused(self, world, now, changes, code) -> None:
        with pytest.raises(InvalidMany) as refused:
            campaigns.plan(
                world.account.id, campaign_plan(world, now, **changes), actor=world.manager, now=now
            )
        assert [one.code for one in refused.value.problems] == [code]

    def test_an_answer_is_one_and_can_be_corrected_until_it_closes(self, world: World, now: datetime) -> None:
        campaign = sent_campaign(world, now)
        made = answered(world, campaign, now, SLOW)
        assert [(one.theme, one.state) for one in made] == [
            (Theme.SURVEY, OpinionState.NEW),
            (Theme.PAYMENT, OpinionState.NOTED),
        ]
        assert made[0].due_on == local_date(now) + 14 * DAY
        again = answered(world, campaign, now + DAY, {Theme.SURVEY: Mark(), Theme.PAYMENT: Mark(4, "通知")})
        assert [one.state for one in again] == [OpinionState.WITHDRAWN, OpinionState.NEW]
        assert told("opinion_received", Channel.IN_APP) == [world.manager.name]
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions.count("opinion_given") == 2
        assert actions.count("opinion_corrected") == 2
        with pytest.raises(Conflict, match="campaign_over"):
            answered(world, campaign, now + 11 * DAY, SLOW)
        with pytest.raises(InvalidMany):
            answered(world, campaign, now, {})

    def test_what_is_being_worked_on_stays_and_other_words_are_another_opinion(
        self, world: World, now: datetime
    ) -> None:
        campaign = sent_campaign(world, now)
        first = answered(world, campaign, now, SLOW)[0]
        handling.take_up(
            first.number, None, new_item(world, now), first.version, actor=world.manager, now=now
        )
        made = answered(world, campaign, now, {Theme.SURVEY: Mark(1, "夜间更慢")})
        assert [one.words for one in made if one.theme is Theme.SURVEY] == ["到场慢", "夜间更慢"]
        assert made[0].state is OpinionState.TAKEN_UP
        assert len(answered(world, campaign, now, {Theme.SURVEY: Mark(1, "夜间更慢")})) == 3

    def test_the_morning_sends_reminds_once_and_closes(self, world: World, now: datetime) -> None:
        sla.install_defaults(now)
        plan = campaign_plan(world, now, from_on=local_date(now) + DAY)
        campaign = campaigns.plan(world.account.id, plan, actor=world.manager, now=now)
        db.session.commit()
        for days in range(13):
            relations_watch.run(now + days * DAY)
            if days == 1:
                answering.answer_own(
                    campaign.number, Answer(SLOW), actor=world.safety_gongyi, now=now + days * DAY
                )
                db.session.commit()
        db.session.expire_all()
        assert campaign.state is CampaignState.CLOSED
        assert sorted(told("opinion_reminded")) == sorted(["冯立新", world.hq.name])
        # Ten working days end on 8 December: three days before it whoever sent the form is reminded.
        assert told("opinion_due") == [world.manager.name]

    def test_somebody_more_is_asked_while_it_is_out_and_told_as_the_others(
        self, world: World, now: datetime
    ) -> None:
        campaign = sent_campaign(world, now, branch_ids=(), guests=())
        by = {"actor": world.claims1, "now": now + DAY}
        joining.ask_login(campaign.number, world.safety_gongyi.id, **by)
        guest = joining.ask_guest(
            campaign.number, Guest("冯立新", "feng@zzly.example", world.gongyi.id), **by
        )
        db.session.commit()
        assert sorted(told("opinion_asked")) == sorted([world.hq.name, world.safety_gongyi.name, "冯立新"])
        assert answering.read_by_link(campaigns.token_of(guest), now=now + DAY).invitation.id == guest.id
        answering.answer_own(campaign.number, Answer(SLOW), actor=world.safety_gongyi, now=now + DAY)
        assert lists.response_of(campaign) == Ratio(1, 3)

        for wrong in (world.safety_gongyi, world.claims2, world.foreign_hq):
            with pytest.raises(Invalid, match="campaign_person_unsuitable"):
                joining.ask_login(campaign.number, wrong.id, **by)
        with pytest.raises(Invalid, match="campaign_person_asked"):
            joining.ask_guest(campaign.number, Guest("冯", "Feng@zzly.example"), **by)
        for guest in (Guest(" "), Guest("冯", "feng"), Guest("冯", "", world.foreign_branch.id)):
            with pytest.raises(InvalidMany):
                joining.ask_guest(campaign.number, guest, **by)
        with pytest.raises(Forbidden):
            joining.ask_guest(campaign.number, Guest("冯"), actor=world.hq, now=now)
        with pytest.raises(Conflict, match="campaign_over"):
            joining.ask_guest(campaign.number, Guest("冯"), actor=world.claims1, now=now + 11 * DAY)
        campaigns.close(campaign.number, campaign.version, **by)
        with pytest.raises(Conflict, match="campaign_state"):
            joining.ask_guest(campaign.number, Guest("冯"), **by)

    def test_a_closed_login_is_neither_asked_nor_reminded(self, world: World, now: datetime) -> None:
        plan = campaign_plan(world, now, from_on=local_date(now) + DAY)
        campaigns.plan(world.account.id, plan, actor=world.manager, now=now)
        world.safety_gongyi.is_active = False
        db.session.commit()
        for days in range(12):
            chasing.run_campaigns(world.account.id, now=now + days * DAY)
        everybody = sorted(["冯立新", world.hq.name])
        assert [sorted(told(kind)) for kind in ("opinion_asked", "opinion_reminded")] == [everybody] * 2


class TestHandling:
    def test_from_taking_up_to_the_result_each_told_to_who_gave_it(self, world: World, now: datetime) -> None:
        campaign = sent_campaign(world, now)
        first = answered(world, campaign, now, SLOW)[0]
        second = recorded(world, held_visit(world, now), now)
        act = {"actor": world.claims1, "now": now}
        handling.take_up(first.number, None, new_item(world, now), first.version, **act)
        db.session.flush()
        handling.take_up(second.number, first.item_id, None, second.version, **act)
        assert db.session.scalar(select(func.count(AgreedItem.id))) == 1
        db.session.flush()
        handling.answer(first.number, Reply("已立项"), first.version, **act)
        db.session.flush()
        assert first.reply_means is ReplyMeans.PORTAL
        with pytest.raises(Invalid, match="reply_means_missing"):
            handling.answer(second.number, Reply("已立项"), second.version, **act)
        handling.answer(second.number, Reply("已立项", ReplyMeans.CALL), second.version, **act)
        with pytest.raises(Conflict, match="opinion_item_open"):
            handling.settle(first.number, "已到岗", first.version, **act)
        item = db.session.scalars(select(AgreedItem)).one()
        items.finish(item.id, "已到岗", item.version, **act)
        db.session.flush()
        handling.settle(first.number, "已到岗", first.version, **act)
        assert first.state is OpinionState.SETTLED
        assert told("opinion_replied") == [world.safety_gongyi.name] * 2
        assert len(lists.of_item(item.id, actor=world.manager)) == 2

    def test_who_asks_later_not_to_be_named_is_named_by_no_item(self, world: World, now: datetime) -> None:
        campaign = sent_campaign(world, now)
        opinion = answered(world, campaign, now, SLOW)[0]
        act = {"actor": world.claims1, "now": now}
        handling.take_up(opinion.number, None, new_item(world, now), opinion.version, **act)
        db.session.flush()
        item = db.session.scalars(select(AgreedItem)).one()
        assert item.branch_id == world.gongyi.id
        answered(world, campaign, now, SLOW, is_anonymous=True)
        assert (opinion.is_anonymous, item.branch_id) == (True, None)
        assert (
            db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all().count("item_unnamed")
            == 1
        )

    def test_praise_is_thanked_for_and_a_reason_declines(self, world: World, now: datetime) -> None:
        campaign = sent_campaign(world, now)
        marks = {Theme.ATTITUDE: Mark(5, "态度好"), Theme.PREMIUM: Mark(3, "希望打折")}
        made = {one.theme: one for one in answered(world, campaign, now, marks)}
        good, bad = made[Theme.ATTITUDE], made[Theme.PREMIUM]
        handling.thank(good.number, Reply("感谢"), good.version, actor=world.manager, now=now)
        with pytest.raises(Invalid, match="required"):
            handling.decline(bad.number, Reply(" "), bad.version, actor=world.manager, now=now)
        with pytest.raises(Conflict, match="stale"):
            handling.decline(bad.number, Reply("按协议"), bad.version + 1, actor=world.manager, now=now)
        handling.decline(bad.number, Reply("按协议"), bad.version, actor=world.manager, now=now)
        db.session.flush()
        assert (good.state, bad.state) == (OpinionState.SETTLED, OpinionState.DECLINED)
        with pytest.raises(Conflict, match="opinion_state"):
            handling.answer(bad.number, Reply("再答"), bad.version, actor=world.manager, now=now)

    def test_owed_replies_age_on_the_desk_and_the_managers_hear_of_late_ones(
        self, world: World, now: datetime
    ) -> None:
        opinion = recorded(world, held_visit(world, now), now)
        db.session.commit()
        for who, count in (("claims1", 1), ("claims2", 0), ("manager", 1)):
            assert lists.list_owed(world.account.id, actor=getattr(world, who))[1] == count
        late = now + (opinion.due_on - local_date(now) + DAY)
        relations_watch.run(late)
        assert sorted(told("opinion_due")) == sorted([world.claims1.name, world.manager.name])
        wanted = OpinionFilter(view=OpinionView.LATE)
        assert (
            lists.list_opinions(world.account.id, wanted, PageRequest(), actor=world.manager, now=late).total
            == 1
        )


class TestWhoSeesWhat:
    def test_an_anonymous_giver_is_named_to_the_desk_alone(self, world: World, now: datetime) -> None:
        campaign = sent_campaign(world, now)
        made = answered(world, campaign, now, SLOW, is_anonymous=True)[0]
        rows = {
            who: lists.read_opinion(made.number, actor=getattr(world, who)).row
            for who in ("claims1", "hq", "safety_gongyi")
        }
        assert rows["claims1"].giver == rows["safety_gongyi"].giver == world.safety_gongyi.name
        assert (rows["hq"].giver, rows["hq"].branch) == ("", None)
        of_branch = OpinionFilter(view=OpinionView.ALL, branch_id=world.gongyi.id)
        for who, count in (("hq", 0), ("claims1", 2)):
            page = lists.list_opinions(
                world.account.id, of_branch, PageRequest(), actor=getattr(world, who), now=now
            )
            assert page.total == count
        zone = ZoneInfo("Asia/Shanghai")
        found = figures.analyse(world.account.id, quarter_of(local_date(now)), actor=world.hq, zone=zone)
        assert found.by_branch[None].now.opinions == 1
        assert found.by_branch[world.gongyi.id].now.opinions == 0
        item = new_item(world, now)
        item = NewItem(item.title, item.measure, item.owner_id, item.due_on, world.gongyi.id)
        handling.take_up(made.number, None, item, made.version, actor=world.manager, now=now)
        assert db.session.scalars(select(AgreedItem.branch_id)).one() is None

    def test_a_branch_sees_its_own_and_a_scan_goes_with_the_name(self, world: World, now: datetime) -> None:
        opinion = recorded(world, held_visit(world, now), now, papers=(picture("征求意见表.jpg"),))
        with pytest.raises(NotFound):
            lists.read_opinion(opinion.number, actor=world.safety_gongyi)
        with pytest.raises(NotFound):
            lists.read_opinion(opinion.number, actor=world.foreign_hq)
        document = db.session.scalars(select(Document)).one()
        assert recording.get_paper(opinion.number, document.id, actor=world.hq) is document
        with pytest.raises(NotFound):
            documents.get_document(document.id, actor=world.manager)
        opinion.is_anonymous = True
        with pytest.raises(NotFound):
            recording.get_paper(opinion.number, document.id, actor=world.hq)
        with pytest.raises(Forbidden):
            handling.thank(opinion.number, Reply("谢"), opinion.version, actor=world.hq, now=now)
        with pytest.raises(Forbidden):
            recording.find_origin(OpinionSource.VISIT, "EV-1", actor=world.hq)


def test_figures_by_theme_and_branch_and_the_quarterly_review(world: World, now: datetime) -> None:
    campaign = sent_campaign(world, now)
    made = answered(world, campaign, now, SLOW)[0]
    recorded(world, held_visit(world, now), now, score=3)
    handling.decline(made.number, Reply("按协议"), made.version, actor=world.manager, now=now + 2 * DAY)
    db.session.flush()
    quarter, zone = quarter_of(local_date(now)), ZoneInfo("Asia/Shanghai")
    found = figures.analyse(world.account.id, quarter, actor=world.hq, zone=zone)
    survey = found.by_theme[Theme.SURVEY].now
    assert (survey.opinions, survey.scores, survey.replied) == (2, Mean(5, 2), Ratio(1, 2))
    assert survey.reply_days == Mean(2, 1)
    assert found.total.response == Ratio(1, 3)
    assert found.by_branch[world.zhongmu.id].response == Ratio(0, 1)
    own = figures.analyse(world.account.id, quarter, actor=world.safety_gongyi, zone=zone)
    assert own.total.now.opinions == 1
    assert own.total.response == Ratio(1, 1)
    report = MAKERS[ReportKind.QUARTERLY_REVIEW].make(world.account, quarter, now=now + 3 * DAY)
    rows = {row[0]: row[1:] for row in report.table("opinions").rows}
    assert rows["survey"][0] == 2
    assert rows["survey"][2] == Ratio(1, 2)
    assert db.session.scalar(select(func.count(Opinion.id))) == 3
    assert db.session.scalar(select(func.count(OpinionInvitation.id))) == 3
