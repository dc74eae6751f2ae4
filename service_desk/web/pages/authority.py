"""Who may decide claims up to which amount, as the administrator keeps it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.claim_money import EndTierForm, PhoneForm, TierForm, TierTermsForm
from service_desk.forms.fields import Form
from service_desk.models.claim_money import AuthorityTier
from service_desk.presenters import claim_money as words
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.settings import tiers_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.claims import authority, letters
from service_desk.services.claims.authority import TierRow
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, done

bp = Blueprint("authority", __name__)


@bp.route("/settings/authority", methods=["GET", "POST"])
@login_required
def tiers() -> ResponseReturnValue:
    """All authority, with `?ended=1` what is over too; and the telephone that refusals print."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    form = PhoneForm(data={"phone": letters.supervision_phone()})
    if request.method == "POST":
        if attempt(form, lambda: letters.set_supervision_phone(form.phone.data, actor=actor(), now=g.now)):
            return done(_("The telephone number was changed."), "authority.tiers")
        return again("authority/list.html", **_list(form))
    return render_template("authority/list.html", **_list(form))


def _list(form: PhoneForm) -> dict[str, Any]:
    with_ended = request.args.get("ended") == "1"
    return {
        "rows": authority.list_tiers(actor=actor(), today=_today(), with_ended=with_ended),
        "with_ended": with_ended,
        "form": form,
        "today": _today(),
        "words": words,
    }


@bp.get("/settings/authority.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    with_ended = request.args.get("ended") == "1"
    return send_list(
        whole(authority.list_tiers(actor=actor(), today=_today(), with_ended=with_ended)),
        lambda rows: tiers_sheet(rows, _today(), g.now),
        f"authority-{_today()}.xlsx",
        [(_("State"), _("ended ones too"))] if with_ended else (),
        of_desk=True,
    )


@bp.route("/settings/authority/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Give authority that was not there."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    form = TierForm(data={"effective_on": _today()})
    holders = authority.list_holders(actor=actor())
    form.role.choices = [("", "—"), *((r.value, label(r, "role")) for r in authority.APPROVING_ROLES)]
    form.user_id.choices = [("", "—"), *((u.id, f"{u.name} · {u.staff_no}") for u in holders)]
    form.account_id.choices = [
        ("", _("All accounts")),
        *((a.id, named(a.name, a.name_en)) for a in access.list_accounts(actor())),
    ]

    def act() -> None:
        _once(form, lambda: authority.add_tier(form.holder(), form.terms(), actor=actor(), now=g.now))

    if request.method == "POST":
        if attempt(form, _in_words(act, lambda: _draft_words(form))):
            return done(_("The authority was given."), "authority.tiers")
        return again("authority/edit.html", form=form, row=None, end_form=None, words=words, today=_today())
    return render_template(
        "authority/edit.html", form=form, row=None, end_form=None, words=words, today=_today()
    )


@bp.route("/settings/authority/<int:tier_id>", methods=["GET", "POST"])
@login_required
def tier(tier_id: int) -> ResponseReturnValue:
    """Give another amount from a day on."""
    row = authority.get_tier(tier_id, actor=actor())
    form = _terms_form(row)

    def act() -> None:
        version = form.version.data or 0
        _once(
            form,
            lambda: authority.change_tier(tier_id, form.terms(), version=version, actor=actor(), now=g.now),
        )

    if request.method == "POST":
        if attempt(form, _in_words(act, lambda: words.holder_words(row))):
            return done(_("The authority was changed."), "authority.tiers")
        return again("authority/edit.html", **_tier(tier_id, form, None))
    return render_template("authority/edit.html", **_tier(tier_id, form, None))


@bp.post("/settings/authority/<int:tier_id>/end")
@login_required
def end(tier_id: int) -> ResponseReturnValue:
    """Take authority away from a day on."""
    row = authority.get_tier(tier_id, actor=actor())
    form = EndTierForm()

    def act() -> None:
        version = form.version.data or 0
        _once(
            form,
            lambda: authority.end_tier(tier_id, form.ends_on.data, version=version, actor=actor(), now=g.now),
        )

    if attempt(form, act):
        return done(_("The authority ends."), "authority.tiers")
    return again("authority/edit.html", **_tier(tier_id, _terms_form(row, formdata=None), form))


def _terms_form(row: TierRow, **sent: Any) -> TierTermsForm:
    first = max(_today(), row.tier.effective_on + timedelta(days=1))
    values = {"limit": row.tier.limit_fen, "effective_on": first, "version": row.tier.version}
    return TierTermsForm(**sent, data=values)


def _tier(tier_id: int, form: TierTermsForm, end_form: EndTierForm | None) -> dict[str, Any]:
    row = authority.get_tier(tier_id, actor=actor())
    values = {"ends_on": max(_today(), row.tier.effective_on), "version": row.tier.version}
    return {
        "row": row,
        "form": form,
        "end_form": end_form or EndTierForm(formdata=None, data=values),
        "words": words,
        "today": _today(),
    }


def _once(form: Form, make: Callable[[], AuthorityTier]) -> None:
    key = form.idempotency_key.data or ""
    submissions.once("authority_tier", key, lambda: str(make().id), actor=actor(), now=g.now)


def _in_words(act: Callable[[], None], new_words: Callable[[], str]) -> Callable[[], None]:
    """A refused contradiction names both; services know ids, readers know words."""

    def acting() -> None:
        try:
            act()
        except Invalid as error:
            if error.code != "tier_contradicts":
                raise
            other = authority.get_tier(error.params["tier_id"], actor=actor())
            names = {"new": new_words(), "other": words.tier_words(other)}
            raise Invalid("tier_contradicts", field=error.field, **names) from error

    return acting


def _draft_words(form: TierForm) -> str:
    chosen = [
        str(dict(field.pairs).get(field.data))
        for field in (form.user_id, form.role, form.account_id)
        if field.data
    ]
    return ", ".join([*chosen, words.limit_words(form.limit.fen)])


def _today() -> date:
    return local_date(g.now)
