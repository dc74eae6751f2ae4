"""Scorecards: an account's people, for its managers; one's own, for everybody at the desk; cards and their rules."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import Form, member
from service_desk.forms.months import month_in
from service_desk.forms.scorecards import DecideForm, EndRuleForm, FinalForm, ReplyForm, RuleForm
from service_desk.models.scorecards import ServiceCard
from service_desk.presenters import scorecards as words
from service_desk.presenters.labels import choices, label
from service_desk.rules.permissions import Action
from service_desk.rules.service_cards import DEFAULT_RULES, CardState
from service_desk.services import access, scorecards, submissions
from service_desk.services.scorecards import CardChoice, Listing, PersonFile
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("scorecards", __name__)


@bp.get("/scorecards", endpoint="scorecards")
@login_required
def scorecards_page() -> ResponseReturnValue:
    """The people of the account in a month; who is no manager goes to the own scorecard."""
    access.require(actor(), Action.READ_SCORECARDS)
    if not access.may(actor(), Action.JUDGE_SCORECARDS):
        return redirect(url_for("scorecards.person", user_id=actor().id))
    months = scorecards.months_known(current_account().id, actor=actor(), now=g.now)
    listing, which = _listing(months)
    return render_template(
        "scorecards/list.html",
        listing=listing,
        months=[_month_tab(month, listing.month, which) for month in months[:13]],
        choices=[_choice_tab(code, listing.month, which) for code in CardChoice],
        which=which,
        words=words,
    )


@bp.get("/scorecards.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The people as filtered, as a spreadsheet."""
    months = scorecards.months_known(current_account().id, actor=actor(), now=g.now)
    listing, which = _listing(months)
    rows, sheet = words.people_sheet(listing, g.now)
    chosen = [(_("Month"), words.month_words(listing.month)), (_("View"), label(which, "card_choice"))]
    return send_list(whole(rows), sheet, f"scorecards-{listing.month:%Y-%m}.xlsx", chosen)


def _listing(months: list[date]) -> tuple[Listing, CardChoice]:
    which: CardChoice = member(CardChoice, request.args.get("which")) or CardChoice.ALL
    month = _month()
    wanted = month if month in months else months[0]
    found = scorecards.list_people(current_account().id, wanted, which=which, actor=actor(), now=g.now)
    return found, which


def _month() -> date | None:
    month = month_in(request.args.get("month"))
    return month.first if month else None


def _month_tab(month: date, current: date, which: CardChoice) -> dict[str, Any]:
    url = url_for("scorecards.scorecards", month=words.month_words(month), which=which.value)
    return {"label": words.month_words(month), "url": url, "is_current": month == current}


def _choice_tab(choice: CardChoice, month: date, current: CardChoice) -> dict[str, Any]:
    url = url_for("scorecards.scorecards", month=words.month_words(month), which=choice.value)
    return {"label": label(choice, "card_choice"), "url": url, "is_current": choice is current}


@bp.get("/scorecards/<int:user_id>")
@login_required
def person(user_id: int) -> ResponseReturnValue:
    """One person's scorecard: for that person and the managers of the account."""
    return render_template("scorecards/person.html", **_person_context(user_id))


@bp.get("/scorecards/<int:user_id>.xlsx")
@login_required
def export_person(user_id: int) -> ResponseReturnValue:
    """The months of one person as a spreadsheet."""
    file = _file(user_id)
    return send_list(
        whole(file.months),
        lambda rows: words.months_sheet(rows, g.now),
        f"scorecard-{file.user.staff_no or file.user.id}.xlsx",
        [(_("Person"), file.user.staff_no or "")],
    )


def _file(user_id: int, month: date | None = None) -> PersonFile:
    wanted = month or _month()
    return scorecards.read_person(current_account().id, user_id, month=wanted, actor=actor(), now=g.now)


def _person_context(
    user_id: int, refused: tuple[int, Form] | None = None, month: date | None = None
) -> dict[str, Any]:
    file = _file(user_id, month)
    return {
        "file": file,
        "rows": words.score_rows(file),
        "cards": [
            words.card_words(card, dict(file.deciders), local_date(g.now, file.zone)) for card in file.cards
        ],
        "form_of": lambda card: refused[1] if refused and refused[0] == card.id else _form_of(card, file),
        "words": words,
        "may_judge": access.may(actor(), Action.JUDGE_SCORECARDS) and not file.is_own,
    }


def _form_of(card: ServiceCard, file: PersonFile) -> Form | None:
    """What may be done next with a card by this reader; None for nothing."""
    data = {"version": str(card.version)}
    may_judge = access.may(actor(), Action.JUDGE_SCORECARDS) and not file.is_own
    if card.state is CardState.PROPOSED and may_judge:
        return DecideForm(formdata=None, data=data)
    if card.state is CardState.CONFIRMED and card.replied_at is None and file.is_own:
        return ReplyForm(formdata=None, data=data)
    if card.state is CardState.CONFIRMED and card.replied_at and card.final_at is None and may_judge:
        return FinalForm(formdata=None, data=data)
    return None


@bp.post("/scorecards/cards/<int:card_id>/decide")
@login_required
def decide(card_id: int) -> ResponseReturnValue:
    """Confirm or waive a proposed card."""
    form = DecideForm()

    def act(account_id: int) -> None:
        scorecards.decide(
            account_id,
            card_id,
            form.reason.data or "",
            is_confirmed=form.decision.data == "confirm",
            version=form.shown_version,
            actor=actor(),
            now=g.now,
        )

    return _acted(card_id, form, act, _("The card was decided."))


@bp.post("/scorecards/cards/<int:card_id>/reply")
@login_required
def reply(card_id: int) -> ResponseReturnValue:
    """The person's reply to a card."""
    form = ReplyForm()

    def act(account_id: int) -> None:
        scorecards.reply(
            account_id, card_id, form.reply.data or "", version=form.shown_version, actor=actor(), now=g.now
        )

    return _acted(card_id, form, act, _("Your reply stands with the card. The managers were told."))


@bp.post("/scorecards/cards/<int:card_id>/final")
@login_required
def final_word(card_id: int) -> ResponseReturnValue:
    """A manager's last word on the reply."""
    form = FinalForm()

    def act(account_id: int) -> None:
        scorecards.say_final_word(
            account_id,
            card_id,
            form.final_word.data or "",
            is_upheld=form.outcome.data == "uphold",
            version=form.shown_version,
            actor=actor(),
            now=g.now,
        )

    return _acted(card_id, form, act, _("The last word was said; the person was told."))


def _acted(card_id: int, form: Form, act: Any, said: str) -> ResponseReturnValue:
    account_id = current_account().id
    card = scorecards.get_card(account_id, card_id, actor=actor())
    user_id, month = card.user_id, card.month
    if attempt_once(form, lambda: act(account_id)):
        address = {"month": words.month_words(month), "_anchor": f"card-{card_id}"}
        return done(said, "scorecards.person", user_id=user_id, **address)
    return again("scorecards/person.html", **_person_context(user_id, (card_id, form), month))


@bp.route("/scorecards/rules", methods=["GET", "POST"])
@login_required
def rules() -> ResponseReturnValue:
    """When cards are proposed: the rules of the account, and the form for another."""
    account_id, form = current_account().id, _offered(RuleForm())
    scorecards.list_rules(account_id, actor=actor())

    def make() -> str:
        return str(scorecards.add_rule(account_id, form.terms(), actor=actor(), now=g.now).id)

    def act() -> None:
        submissions.once("card_rule", form.idempotency_key.data or "", make, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The rule was added."), "scorecards.rules")
    if request.method == "POST":
        return again("scorecards/rules.html", **_rules_context(form))
    return render_template("scorecards/rules.html", **_rules_context(form))


@bp.post("/scorecards/rules/adopt")
@login_required
def adopt() -> ResponseReturnValue:
    """Make the default rules the account's own."""
    scorecards.adopt_defaults(current_account().id, actor=actor(), now=g.now)
    return done(_("These are the account's own rules now and can be changed."), "scorecards.rules")


@bp.post("/scorecards/rules/<int:rule_id>/end")
@login_required
def end_rule(rule_id: int) -> ResponseReturnValue:
    """Let a rule hold no longer from a day on."""
    account_id, form = current_account().id, EndRuleForm()

    def act() -> None:
        scorecards.end_rule(
            account_id, rule_id, form.ends_on.data, version=form.shown_version, actor=actor(), now=g.now
        )

    if attempt_once(form, act):
        return done(_("The rule ends on the day chosen."), "scorecards.rules")
    return again("scorecards/rules.html", **_rules_context(_offered(RuleForm(formdata=None)), form))


def _offered(form: RuleForm) -> RuleForm:
    form.measure.choices = words.measure_choices()
    form.colour.choices = choices("card_colour")
    return form


def _rules_context(form: RuleForm, refused: EndRuleForm | None = None) -> dict[str, Any]:
    today = local_date(g.now, ZoneInfo(current_account().zone))
    return {
        "form": form,
        "refused": refused,
        "rows": scorecards.list_rules(current_account().id, actor=actor()),
        "defaults": DEFAULT_RULES,
        "today": today,
        "words": words,
    }
