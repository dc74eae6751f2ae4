"""The rules of an account for cards: its own once its manager has set any, before that the default set."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.models.db import db
from service_desk.models.scorecards import CardRuleRow
from service_desk.models.users import User
from service_desk.rules.scorecard import JUDGED, ScoreMeasure
from service_desk.rules.service_cards import (
    DEFAULT_RULES,
    MOST_MONTHS,
    CardColour,
    CardRule,
    comparison_of,
    is_possible_threshold,
)
from service_desk.services import audit
from service_desk.services.scorecards.seeing import open_as_judge

# What an account goes by from its beginning.
_ALWAYS = date(2000, 1, 1)


@dataclass(frozen=True)
class RuleTerms:
    """A rule as typed; the threshold in percent, points or a number."""

    measure: ScoreMeasure
    threshold: Decimal
    months: int
    colour: CardColour
    effective_on: date


def list_rules(account_id: int, *, actor: User) -> list[CardRuleRow]:
    """The account's own rules, those that have ended too; none while it goes by the default set."""
    open_as_judge(account_id, actor)
    return _rows(account_id)


def rules_in_force(account_id: int, on: date) -> list[CardRule]:
    """What holds on a day, for no actor. An account that has ended all of its own rules gives no cards."""
    rows = _rows(account_id)
    if not rows:
        return list(DEFAULT_RULES)
    return [
        CardRule(row.measure, row.comparison, Decimal(row.threshold_cents).scaleb(-2), row.months, row.colour)
        for row in rows
        if row.effective_on <= on and (row.ended_on is None or on < row.ended_on)
    ]


def adopt_defaults(account_id: int, *, actor: User, now: datetime) -> None:
    """Make the default set the account's own, so that it can be changed. Nothing when it has its own already."""
    account = open_as_judge(account_id, actor)
    # Of two managers at once the second finds the rules there. Rows that refer to the account are not held up.
    db.session.refresh(account, with_for_update={"key_share": True})
    if _rows(account_id):
        return
    db.session.add_all(_row(account_id, rule, _ALWAYS) for rule in DEFAULT_RULES)
    audit.record("card_rules_adopted", account, actor=actor, now=now, account_id=account_id)


def add_rule(account_id: int, terms: RuleTerms, *, actor: User, now: datetime) -> CardRuleRow:
    """A rule from a day on. Invalid: card_measure, card_threshold, card_months, card_day_past; Conflict("card_rules_own")
    while the account goes by the default set.
    """
    open_as_judge(account_id, actor)
    if not _rows(account_id):
        raise Conflict("card_rules_own")
    _check(terms, now)
    rule = CardRule(terms.measure, comparison_of(terms.measure), terms.threshold, terms.months, terms.colour)
    row = _row(account_id, rule, terms.effective_on)
    db.session.add(row)
    audit.record("card_rule_added", row, actor=actor, now=now, label=row.measure.value, changes=_shown(row))
    return row


def end_rule(
    account_id: int, rule_id: int, ends_on: date, *, version: int, actor: User, now: datetime
) -> CardRuleRow:
    """Let a rule hold no longer from a day on."""
    open_as_judge(account_id, actor)
    row = db.session.get(CardRuleRow, rule_id)
    if row is None or row.account_id != account_id:
        raise NotFound("not_found")
    if row.version != version or row.ended_on is not None:
        raise Conflict("stale")
    if ends_on < max(local_date(now), row.effective_on):
        raise Invalid("card_day_past", field="ends_on")
    changes = audit.change(row, ended_on=ends_on)
    audit.record("card_rule_ended", row, actor=actor, now=now, label=row.measure.value, changes=changes)
    return row


def _rows(account_id: int) -> list[CardRuleRow]:
    statement = select(CardRuleRow).where(CardRuleRow.account_id == account_id)
    order = (CardRuleRow.ended_on.is_not(None), CardRuleRow.colour.desc(), CardRuleRow.id)
    return list(db.session.scalars(statement.order_by(*order)))


def _row(account_id: int, rule: CardRule, effective_on: date) -> CardRuleRow:
    return CardRuleRow(
        account_id=account_id,
        measure=rule.measure,
        comparison=rule.comparison,
        threshold_cents=int(rule.threshold.scaleb(2)),
        months=rule.months,
        colour=rule.colour,
        effective_on=effective_on,
    )


def _check(terms: RuleTerms, now: datetime) -> None:
    problems: list[Invalid] = []
    if terms.measure not in JUDGED:
        problems.append(Invalid("card_measure", field="measure"))
    elif not is_possible_threshold(terms.measure, terms.threshold):
        problems.append(Invalid("card_threshold", field="threshold"))
    if not 1 <= terms.months <= MOST_MONTHS:
        problems.append(Invalid("card_months", field="months", most=MOST_MONTHS))
    if terms.effective_on < local_date(now):
        problems.append(Invalid("card_day_past", field="effective_on"))
    if problems:
        raise InvalidMany(problems)


def _shown(row: CardRuleRow) -> dict[str, tuple[object, object]]:
    names = ("measure", "comparison", "threshold_cents", "months", "colour", "effective_on")
    return {name: (None, getattr(row, name)) for name in names}
