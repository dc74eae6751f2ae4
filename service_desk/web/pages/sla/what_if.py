"""What if: the past judged against another promise, on a page and as a spreadsheet."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid, InvalidMany
from service_desk.forms.fields import member
from service_desk.forms.sla_what_if import WhatIfForm
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.sla import WorkingCalendarRow
from service_desk.presenters import sla as clocks
from service_desk.presenters import sla_compliance
from service_desk.presenters import sla_what_if as words
from service_desk.presenters import sla_what_if_sheets as sheets
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name, named
from service_desk.presenters.messages import sentence
from service_desk.presenters.sla_calendars import overlaps_in_words
from service_desk.presenters.sla_compliance_sheets import About
from service_desk.rules.periods import Cut, Period
from service_desk.rules.permissions import Action
from service_desk.rules.sla import TargetUnit
from service_desk.services import access, accounts
from service_desk.services.exports import in_portions
from service_desk.services.sla import calendars, levels
from service_desk.services.sla.compliance import NOT_SAID
from service_desk.services.sla.what_if import Answer, Flip, Part, Question, ask, list_cases
from service_desk.web.exports import send_book
from service_desk.web.http import actor, current_account, page_request
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.pages.sla.breaches import matter_url


@dataclass(frozen=True)
class Asked:
    """What an address asks: the account, its form, and what that may choose from."""

    account: KeyAccount
    form: WhatIfForm
    branches: dict[int, Branch]
    calendars: list[WorkingCalendarRow]

    @property
    def question(self) -> Question:
        return self.form.question(self.account.id)

    @property
    def promise(self) -> str:
        return words.other_promise(self.question, self.calendars)

    @property
    def question_line(self) -> list[str]:
        """What was asked, under the page's title."""
        chosen = [choice for _key, _what, choice in self.chosen]
        return [*chosen, sla_compliance.days(self.question.of.period), self.promise]

    @property
    def chosen(self) -> list[tuple[str, str, str]]:
        """The narrowing in words: key, what it is, choice."""
        chosen = sla_compliance.chosen(self.question.of, {}, self.branches)
        levels_by_id = dict(self.form.level.pairs)
        level = levels_by_id[self.form.level.data] if self.form.level.data else None
        return [*chosen, *([("level", _("Service level"), level)] if level else [])]

    def month_labels(self, answer: Answer) -> list[str]:
        """The months as short as an axis needs them."""
        return [
            sla_compliance.short_name(Cut.MONTH, part.key)
            for part in answer.months
            if isinstance(part.key, Period)
        ]

    def need_rows(self, answer: Answer) -> list[tuple[str, str]]:
        """What promise would have been kept how often."""
        return [(words.share_words(need), words.need_words(need, answer)) for need in answer.needs]

    def narrowed_url(self, part: Part) -> str | None:
        """The same question of one month or branch alone; None for what cannot be chosen."""
        if isinstance(part.key, Period):
            return _address(from_on=part.key.first, to_on=part.key.last)
        if part.key is None or part.key.id == self.question.of.branch_id:
            return None
        return _address(branch=part.key.id)

    def judged_url(self) -> str | None:
        """The clocks in question; None when they are of one level, which that list cannot choose."""
        if self.question.level_id is not None:
            return None
        names = ("from_on", "to_on", "step", "branch", "severity", "zone")
        values: dict[str, Any] = {name: request.args.get(name) or None for name in names}
        return url_for("sla.compliance_timers", verdict="judged", **values)


@bp.get("/what-if")
@login_required
def what_if() -> ResponseReturnValue:
    """The question and, once it is asked, the answer."""
    asked = _read_address()
    if not _is_asked():
        return render_template("sla/what_if.html", form=asked.form, answer=None)
    answer = _answer(asked)
    if answer is None:
        return render_template("sla/what_if.html", form=asked.form, answer=None), 422
    flip = member(Flip, request.args.get("flip"))
    return render_template(
        "sla/what_if.html",
        form=asked.form,
        asked=asked,
        question=asked.question,
        answer=answer,
        page=list_cases(answer, page_request(), flip),
        flip_views=_flip_views(answer, flip),
        matter_url=matter_url,
        words=words,
        clocks=clocks,
        compliance=sla_compliance,
    )


@bp.get("/what-if.xlsx")
@login_required
def what_if_xlsx() -> ResponseReturnValue:
    """The same as a spreadsheet, with every case that flips."""
    asked = _read_address()
    if not asked.form.validate():
        return redirect(_address())

    def read() -> list[TableSheet]:
        answer = ask(asked.question, actor=actor(), now=g.now)
        cases = in_portions(lambda page: list_cases(answer, page))
        return sheets.what_if_sheets(asked.question, answer, cases, asked.promise, _about(asked))

    days = asked.question.of.period
    name = _("what-if-%(days)s.xlsx", days=f"{days.first:%Y%m%d}-{days.last:%Y%m%d}")
    try:
        return send_book(read, name)
    except InvalidMany:
        # The page says what is wrong at each field.
        return redirect(_address())


def _read_address() -> Asked:
    access.require(actor(), Action.REVIEW_BREACHES)
    account = current_account()
    today = local_date(g.now, ZoneInfo(account.zone))
    form = WhatIfForm(request.args if _is_asked() else None, data=_first_values(today))
    asked = Asked(
        account=account,
        form=form,
        branches={branch.id: branch for branch in accounts.list_branches(account.id, actor=actor())},
        calendars=calendars.list_calendars(),
    )
    _fill(asked, today)
    return asked


def _is_asked() -> bool:
    return "step" in request.args


def _first_values(today: date) -> dict[str, Any]:
    """This month and the eleven before it."""
    months = today.year * 12 + today.month - 12
    return {
        "from_on": date(months // 12, months % 12 + 1, 1),
        "to_on": today,
        "target_unit": TargetUnit.WORKING_DAYS.value,
    }


def _fill(asked: Asked, today: date) -> None:
    form = asked.form
    account_names = {asked.account.id: named(asked.account.name, asked.account.name_en)}
    form.step.choices = [("", "—"), *choices("clock_step")]
    form.level.choices = [
        ("", _("All levels of the step")),
        *(
            (str(level.id), words.level_choice(level, account_names))
            for level in levels.list_levels(actor=actor(), today=today, with_ended=True)
            if level.account_id in (None, asked.account.id)
        ),
    ]
    form.branch.choices = [
        ("", _("All branches")),
        *((str(branch.id), branch_name(branch)) for branch in asked.branches.values()),
    ]
    form.severity.choices = [("", _("Either")), *choices("severity"), (NOT_SAID, _("Not stated"))]
    form.zone.choices = [*choices("accident_place"), (NOT_SAID, _("Not stated"))]
    form.target_unit.choices = choices("target_unit")
    form.calendar.choices = [
        ("", _("Each clock's own calendar")),
        *((row.code, clocks.calendar_name(row.code, asked.calendars)) for row in asked.calendars),
    ]


def _answer(asked: Asked) -> Answer | None:
    """The answer; None when the form says why there is none."""
    if not asked.form.validate():
        return None
    try:
        answer: Answer = overlaps_in_words(lambda: ask(asked.question, actor=actor(), now=g.now))()
    except InvalidMany as error:
        for problem in error.problems:
            _put_on_form(asked.form, problem)
    except Invalid as error:
        _put_on_form(asked.form, error)
    else:
        return answer
    return None


def _put_on_form(form: WhatIfForm, problem: Invalid) -> None:
    """Say it at its field. Hours typed once for five weekdays are refused once."""
    field = form.field_for(problem.field)
    if field is None:
        form.form_errors.append(sentence(problem))
    elif not field.errors:
        field.errors = [sentence(problem)]


def _flip_views(answer: Answer, chosen: Flip | None) -> list[dict[str, Any]]:
    flips = answer.whole.flips
    everything = {
        "label": _("All"),
        "url": _address("cases", flip=None, page=None),
        "is_current": chosen is None,
        "count": answer.whole.flipped,
    }
    return [
        everything,
        *(
            {
                "label": label(flip, "what_if_flip"),
                "url": _address("cases", flip=flip.value, page=None),
                "is_current": flip is chosen,
                "count": flips[flip],
            }
            for flip in Flip
        ),
    ]


def _address(anchor: str | None = None, **changed: Any) -> str:
    """This question's address with some of it changed; None drops a key."""
    values: dict[str, Any] = {**request.args, "page": None, **changed}
    return url_for("sla.what_if", _anchor=anchor, **values)


def _about(asked: Asked) -> About:
    return About(
        account=named(asked.account.name, asked.account.name_en),
        days=sla_compliance.days(asked.question.of.period),
        chosen=asked.chosen,
        now=g.now,
        zone=ZoneInfo(asked.account.zone),
    )
