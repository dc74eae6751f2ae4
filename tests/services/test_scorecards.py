"""Scorecards: counted by hand, kept once, seen by two kinds of readers; cards from the rule to the last word."""

import ast
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.jobs import scorecards as job
from service_desk.jobs.runner import Tally
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import FollowUp
from service_desk.models.db import db
from service_desk.models.enquiries import (
    Enquiry,
    EnquiryChannel,
    EnquiryClosing,
    EnquiryRepeat,
    EnquiryState,
    Handover,
    HandoverState,
    MatterKind,
)
from service_desk.models.notices import Channel, Notice
from service_desk.models.scorecards import Scorecard, ServiceCard
from service_desk.models.sla import BreachReview, Timer
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.notice_subjects import is_for_channels
from service_desk.rules.permissions import Role
from service_desk.rules.scorecard import ScoreMeasure, from_json, nothing_yet, to_json
from service_desk.rules.service_cards import DEFAULT_RULES, CardColour, CardState
from service_desk.services import scorecards
from service_desk.services.scorecards import CardChoice, RuleTerms
from service_desk.services.scorecards.cards import propose
from tests.breach_cases import second_manager
from tests.factories import UserFactory
from tests.report_cases import add_claim, move, survey_clock
from tests.standing import once
from tests.world import World

M = ScoreMeasure
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
AT = datetime(2026, 10, 12, 4, 0, tzinfo=UTC)
KEPT_AT = datetime(2026, 10, 31, 17, 0, tzinfo=UTC)  # 1 November, 01:00 in China
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def work(world: World) -> None:
    """October of claims1: three clocks of which one broke, two claims, contacts asked again, handed over, closed."""
    claims = [add_claim(world, AT + number * DAY) for number in range(3)]
    for number, claim in enumerate(claims):
        survey_clock(world, claim, stopped_after=(30 + 60 * (number == 0)) * HOUR / 60, seen_at=KEPT_AT)
    move(claims[0], AT + 4 * DAY, ClaimState.CLOSED)
    db.session.add(FollowUp(claim_id=claims[0].id, round=1, at=AT + 5 * DAY, spoken_with="郭永刚", score=3))
    first = _contact(world, 1, AT, closed_at=AT + DAY, claim_id=claims[1].id)
    again = _contact(world, 2, AT + 2 * DAY, claim_id=claims[1].id)
    given = _contact(world, 3, AT, closed_at=AT + DAY, owner_id=world.claims2.id)
    _contact(world, 4, AT, channel=EnquiryChannel.CLAIM_REPORT, claim_id=claims[2].id)
    db.session.add(
        Handover(
            account_id=world.account.id,
            matter_kind=MatterKind.ENQUIRY,
            matter_id=given.id,
            matter_number=given.number,
            from_id=world.claims1.id,
            to_id=world.claims2.id,
            state=HandoverState.ACCEPTED,
            asked_at=AT,
            decided_at=AT + HOUR,
        )
    )
    db.session.add_all(
        [
            EnquiryClosing(
                enquiry_id=first.id, at=AT + DAY, owner_id=world.claims1.id, is_first_contact=True
            ),
            EnquiryClosing(
                enquiry_id=given.id, at=AT + DAY, owner_id=world.claims2.id, is_first_contact=False
            ),
            EnquiryRepeat(
                enquiry_id=first.id,
                at=again.opened_at,
                channel=EnquiryChannel.CALL,
                caller_name=again.caller_name,
                taken_by_id=world.claims1.id,
                second_id=again.id,
            ),
        ]
    )
    db.session.flush()


def _contact(world: World, number: int, at: datetime, **values) -> Enquiry:
    facts = {
        "number": f"ENQ-2026-{number:06d}",
        "account_id": world.account.id,
        "branch_id": world.gongyi.id,
        "channel": EnquiryChannel.CALL,
        "state": EnquiryState.CLOSED if "closed_at" in values else EnquiryState.OPEN,
        "subject": "赔款何时到账",
        "caller_name": "郭永刚",
        "owner_id": world.claims1.id,
        "first_owner_id": world.claims1.id,
        "opened_by_id": world.claims1.id,
        "opened_at": at,
    }
    row = Enquiry(**(facts | values))
    db.session.add(row)
    db.session.flush()
    return row


@pytest.fixture
def worked(world: World) -> World:
    once("work of october", lambda: work(world))
    db.session.commit()
    return world


def keep(world: World, month: date, user_id: int, **figures) -> None:
    """A month as if it had been kept."""
    values = to_json({**nothing_yet(), **{M(code): value for code, value in figures.items()}})
    db.session.add(
        Scorecard(
            account_id=world.account.id,
            user_id=user_id,
            month=month,
            figures=values,
            desk=to_json(nothing_yet()),
            frozen_at=KEPT_AT,
        )
    )
    db.session.flush()


def card_of(world: World, *, month: date = OCTOBER) -> ServiceCard:
    """A yellow card proposed for claims1."""
    card = ServiceCard(
        account_id=world.account.id,
        user_id=world.claims1.id,
        month=month,
        colour=CardColour.YELLOW,
        grounds=[],
        state=CardState.PROPOSED,
        proposed_at=KEPT_AT,
        ends_on=date(2027, 1, 31),
    )
    db.session.add(card)
    db.session.commit()
    return card


class TestKeeping:
    def test_a_month_is_counted_and_kept_once(self, worked: World) -> None:
        assert scorecards.freeze(worked.account.id, OCTOBER, now=KEPT_AT) == 4
        assert scorecards.freeze(worked.account.id, OCTOBER, now=NOW) == 0

        rows = {row.user_id: row for row in db.session.scalars(select(Scorecard))}
        assert set(rows) == {
            user.id for user in (worked.manager, worked.underwriter, worked.claims1, worked.claims2)
        }
        found = from_json(rows[worked.claims1.id].figures)
        # Two open claims and one open contact; the contact of the accident report is the claim.
        assert found[M.OPEN_MATTERS] == 3
        assert found[M.CONTACTS_TAKEN] == 3
        assert found[M.CLOCKS_KEPT] == Ratio(2, 3)
        assert found[M.FIRST_CONTACT_CLOSED] == Ratio(1, 1)
        others = from_json(rows[worked.claims2.id].figures)
        assert others[M.FIRST_CONTACT_CLOSED] == Ratio(0, 1)
        assert found[M.REPEAT_CONTACTS] == Ratio(1, 3)
        assert found[M.FOLLOW_UP_SCORE] == Mean(3, 1)
        desk = from_json(rows[worked.claims2.id].desk)
        assert (desk[M.OPEN_MATTERS], desk[M.CLOCKS_KEPT]) == (Mean(3, 4), Ratio(2, 3))

    def test_a_month_that_runs_is_not_kept(self, world: World) -> None:
        with pytest.raises(ValueError, match="when it is over"):
            scorecards.freeze(world.account.id, NOVEMBER, now=NOW)

    def test_what_is_corrected_later_stands_beside_what_was_kept(self, worked: World) -> None:
        scorecards.freeze(worked.account.id, OCTOBER, now=KEPT_AT)
        db.session.execute(update(FollowUp).values(score=5))
        db.session.commit()

        file = scorecards.read_person(
            worked.account.id, worked.claims1.id, month=OCTOBER, actor=worked.claims1, now=NOW
        )

        assert file.chosen.figures[M.FOLLOW_UP_SCORE] == Mean(3, 1)
        assert file.corrected == {M.FOLLOW_UP_SCORE: Mean(5, 1)}
        assert [one.month for one in file.months] == [OCTOBER, NOVEMBER]
        assert file.months[-1].frozen_at is None

    def test_the_job_keeps_what_is_due_and_catches_up(self, world: World) -> None:
        account_id = world.account.id
        assert scorecards.due_months(account_id, now=NOW) == [OCTOBER]
        keep(world, date(2026, 8, 1), world.claims1.id)
        db.session.commit()
        assert scorecards.due_months(account_id, now=NOW) == [date(2026, 9, 1), OCTOBER]

        # Two months here; for the other account nobody works.
        assert job.run(NOW) == Tally(done=3)
        assert job.run(NOW).failed == 0
        assert db.session.scalar(select(func.count()).select_from(Scorecard)) == 1 + 2 * 4

    def test_reviews_and_corrections_of_the_month(self, worked: World) -> None:
        timer_id = db.session.scalars(select(Timer.id).where(Timer.breached_at.is_not(None))).one()
        review = BreachReview(
            timer_id=timer_id,
            cause="oversight",
            explanation="疏漏",
            responsible_id=worked.claims1.id,
            correction="核对",
            correction_owner_id=worked.claims2.id,
            correction_due_on=date(2026, 11, 24),
            signed_by_id=worked.manager.id,
            signed_at=NOW - 2 * DAY,
        )
        db.session.add(review)
        db.session.commit()

        def figures(user_id: int):
            asked = {"actor": worked.manager, "now": NOW}
            listing = scorecards.list_people(worked.account.id, NOVEMBER, **asked)
            return next(one.figures for one in listing.people if one.user.id == user_id)

        assert figures(worked.claims1.id)[M.BREACHES_ANSWERED_FOR] == 1
        assert figures(worked.claims2.id)[M.CORRECTIONS_OVERDUE] == 1
        review.correction_due_on = date(2026, 11, 25)
        db.session.commit()
        assert figures(worked.claims2.id)[M.CORRECTIONS_OVERDUE] == 0


class TestWhoSees:
    @pytest.mark.parametrize(
        ("username", "answer"),
        [
            ("claims1", None),
            ("manager", None),
            ("claims2", NotFound),
            ("underwriter", NotFound),
            ("admin", Forbidden),
            ("hq", Forbidden),
            ("safety_gongyi", Forbidden),
            ("foreign_hq", Forbidden),
        ],
    )
    def test_the_person_and_the_managers_of_the_account(self, world: World, username: str, answer) -> None:
        def read() -> None:
            actor = getattr(world, username)
            scorecards.read_person(world.account.id, world.claims1.id, actor=actor, now=NOW)

        if answer:
            with pytest.raises(answer):
                read()
        else:
            read()

    def test_not_the_manager_of_another_account(self, world: World) -> None:
        stranger = UserFactory(username="m9", role=Role.MANAGER, accounts=[world.foreign_account])
        db.session.commit()
        refusals: list[type[DomainError]] = []
        for act in (
            lambda: scorecards.read_person(world.account.id, world.claims1.id, actor=stranger, now=NOW),
            lambda: scorecards.read_person(
                world.foreign_account.id, world.claims1.id, actor=stranger, now=NOW
            ),
            lambda: scorecards.list_people(world.account.id, OCTOBER, actor=stranger, now=NOW),
            lambda: scorecards.list_rules(world.account.id, actor=stranger),
            lambda: scorecards.read_person(world.account.id, world.hq.id, actor=world.manager, now=NOW),
        ):
            with pytest.raises(NotFound) as refusal:
                act()
            refusals.append(type(refusal.value))
        assert len(refusals) == 5

    def test_nothing_that_the_client_reads_knows_of_scorecards(self) -> None:
        """No report, page, interface or export but their own asks for them."""
        package = Path(scorecards.__file__).parents[2]
        own = {
            "jobs/scorecards.py",
            "scheduler.py",
            "web/pages/scorecards.py",
            "forms/scorecards.py",
            "presenters/scorecards.py",
            "demo/__init__.py",
            "demo/scorecards.py",
            "models/all_tables.py",
        }
        found = {
            str(path.relative_to(package))
            for path in package.rglob("*.py")
            if "services/scorecards" not in str(path) and _asks_for_scorecards(path)
        }
        assert found == own

    def test_no_message_of_a_card_goes_to_a_group(self, world: World) -> None:
        kinds = ("card_given", "card_answered", "card_final_word", "cards_proposed")
        assert not any(map(is_for_channels, kinds))


def _asks_for_scorecards(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("service_desk"):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            if "scorecards" in names:
                return True
    return False


class TestCards:
    def test_two_bad_months_propose_a_card_once(self, world: World) -> None:
        bad = {"clocks_kept": Ratio(8, 10), "follow_up_score": Mean(8, 2)}
        for month in (date(2026, 9, 1), OCTOBER):
            keep(world, month, world.claims1.id, **bad)
            keep(world, month, world.claims2.id, clocks_kept=Ratio(9, 10))
        people = [world.claims1.id, world.claims2.id]

        assert propose(world.account.id, OCTOBER, people, now=KEPT_AT) == 1
        assert propose(world.account.id, OCTOBER, people, now=KEPT_AT) == 0

        card = db.session.scalars(select(ServiceCard)).one()
        assert (card.user_id, card.colour, card.state, card.ends_on) == (
            world.claims1.id,
            CardColour.YELLOW,
            CardState.PROPOSED,
            date(2027, 1, 31),
        )
        assert [one["measure"] for one in card.grounds] == ["clocks_kept"]
        assert card.grounds[0]["figures"] == ["8/10", "8/10"]
        told = db.session.scalars(
            select(Notice).where(Notice.kind == "cards_proposed").order_by(Notice.id)
        ).all()
        assert {notice.user_id for notice in told} == {world.manager.id}
        assert {notice.channel for notice in told} <= {Channel.IN_APP, Channel.MAIL}

    def test_from_the_proposal_to_the_last_word(self, world: World) -> None:
        card, account_id = card_of(world), world.account.id
        asked = {"now": NOW}
        with pytest.raises(NotFound):
            scorecards.get_card(account_id, card.id, actor=world.claims1)
        with pytest.raises(Conflict) as early:
            _reply_as_manager_sees(world, card)
        assert early.value.code == "card_not_answered"
        with pytest.raises(Invalid):
            _decide(world, card, reason=" ")

        _decide(world, card)
        assert scorecards.get_card(account_id, card.id, actor=world.claims1).reason == "两月未达标"
        with pytest.raises(Conflict):
            _decide(world, card)
        with pytest.raises(Forbidden) as other:
            scorecards.reply(account_id, card.id, "x", version=card.version, actor=world.manager, **asked)
        assert other.value.code == "card_of_another"
        scorecards.reply(account_id, card.id, "道路管制", version=card.version, actor=world.claims1, **asked)
        db.session.flush()
        with pytest.raises(Conflict):
            scorecards.reply(account_id, card.id, "又", version=card.version, actor=world.claims1, **asked)
        _reply_as_manager_sees(world, card)
        db.session.commit()

        assert (card.state, card.final_word, card.reply) == (CardState.LIFTED, "证明属实", "道路管制")
        trail = db.session.execute(
            select(AuditEntry.action, AuditEntry.changes)
            .where(AuditEntry.entity_kind == "service_cards")
            .order_by(AuditEntry.id)
        ).all()
        assert [action for action, _changes in trail] == ["card_confirmed", "card_answered", "card_lifted"]
        # The trail is read by who keeps logins too: it says that, not why.
        assert "道路管制" not in str(trail)
        kinds = db.session.scalars(
            select(Notice.kind).where(Notice.channel == Channel.IN_APP).order_by(Notice.id)
        ).all()
        assert list(kinds) == ["card_given", "card_answered", "card_final_word"]

    def test_nobody_decides_on_a_card_of_their_own(self, world: World) -> None:
        card, other = card_of(world), second_manager(world)
        card.user_id = world.manager.id
        db.session.commit()
        with pytest.raises(Forbidden) as refusal:
            _decide(world, card)
        assert refusal.value.code == "card_own"
        _decide(world, card, actor=other)
        assert card.state is CardState.CONFIRMED

    def test_a_second_yellow_makes_a_red_to_be_decided(self, world: World) -> None:
        first, second = card_of(world, month=date(2026, 8, 1)), card_of(world)
        _decide(world, first)
        assert db.session.scalar(select(func.count()).select_from(ServiceCard)) == 2
        _decide(world, second)
        red = db.session.scalars(select(ServiceCard).where(ServiceCard.colour == CardColour.RED)).one()
        assert (red.month, red.state, red.grounds) == (OCTOBER, CardState.PROPOSED, [])

    def test_the_list_is_narrowed_to_cards(self, world: World) -> None:
        card_of(world)
        keep(world, OCTOBER, world.claims1.id)
        keep(world, OCTOBER, world.claims2.id)
        db.session.commit()

        def names(which: CardChoice) -> list[str]:
            asked = {"which": which, "actor": world.manager, "now": NOW}
            return [
                one.user.username for one in scorecards.list_people(world.account.id, OCTOBER, **asked).people
            ]

        assert names(CardChoice.ALL) == ["claims1", "claims2"]
        assert (names(CardChoice.TO_DECIDE), names(CardChoice.WITH_CARD)) == (["claims1"], [])


def _decide(world: World, card: ServiceCard, *, reason: str = "两月未达标", actor=None) -> None:
    scorecards.decide(
        world.account.id,
        card.id,
        reason,
        is_confirmed=True,
        version=card.version,
        actor=actor or world.manager,
        now=NOW,
    )
    db.session.commit()


def _reply_as_manager_sees(world: World, card: ServiceCard) -> None:
    scorecards.say_final_word(
        world.account.id,
        card.id,
        "证明属实",
        is_upheld=False,
        version=card.version,
        actor=world.manager,
        now=NOW,
    )


class TestRules:
    def test_an_account_goes_by_the_default_set_until_it_has_its_own(self, world: World) -> None:
        account_id, manager = world.account.id, world.manager
        terms = RuleTerms(M.CLOCKS_KEPT, Decimal(90), 1, CardColour.YELLOW, date(2026, 12, 1))
        with pytest.raises(Conflict):
            scorecards.add_rule(account_id, terms, actor=manager, now=NOW)
        assert scorecards.rules_in_force(account_id, OCTOBER) == list(DEFAULT_RULES)

        scorecards.adopt_defaults(account_id, actor=manager, now=NOW)
        scorecards.adopt_defaults(account_id, actor=manager, now=NOW)
        scorecards.add_rule(account_id, terms, actor=manager, now=NOW)
        ended = scorecards.list_rules(account_id, actor=manager)[0]
        scorecards.end_rule(
            account_id, ended.id, date(2026, 12, 1), version=ended.version, actor=manager, now=NOW
        )

        number = len(DEFAULT_RULES)
        counts = [
            len(scorecards.rules_in_force(account_id, day)) for day in (date(2026, 11, 30), date(2026, 12, 1))
        ]
        assert counts == [number, number]
        assert Decimal(90) in {
            one.threshold for one in scorecards.rules_in_force(account_id, date(2026, 12, 31))
        }
        assert scorecards.rules_in_force(world.foreign_account.id, OCTOBER) == list(DEFAULT_RULES)
        with pytest.raises(Conflict):
            scorecards.end_rule(account_id, ended.id, date(2026, 12, 1), version=1, actor=manager, now=NOW)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"measure": M.OPEN_MATTERS}, "card_measure"),
            ({"threshold": Decimal(101)}, "card_threshold"),
            ({"months": 13}, "card_months"),
            ({"effective_on": date(2026, 11, 24)}, "card_day_past"),
        ],
    )
    def test_refuses_rules_that_cannot_be(self, world: World, changes, code) -> None:
        facts = {
            "measure": M.CLOCKS_KEPT,
            "threshold": Decimal(90),
            "months": 2,
            "colour": CardColour.RED,
            "effective_on": date(2026, 12, 1),
        }
        scorecards.adopt_defaults(world.account.id, actor=world.manager, now=NOW)
        with pytest.raises(InvalidMany) as refusal:
            scorecards.add_rule(
                world.account.id, RuleTerms(**(facts | changes)), actor=world.manager, now=NOW
            )
        assert [one.code for one in refusal.value.problems] == [code]

    @pytest.mark.parametrize("username", ["claims1", "admin", "hq"])
    def test_only_managers_of_the_account_read_and_set_them(self, world: World, username: str) -> None:
        actor = getattr(world, username)
        for act in (
            lambda: scorecards.list_rules(world.account.id, actor=actor),
            lambda: scorecards.adopt_defaults(world.account.id, actor=actor, now=NOW),
        ):
            with pytest.raises(Forbidden):
                act()
