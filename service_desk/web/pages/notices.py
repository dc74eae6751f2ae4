"""The inbox: what the desk told me, where each message leads, and what I want mailed."""

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.notices import PreferencesForm, choice_name, preferences_form
from service_desk.models.notices import Notice
from service_desk.presenters.labels import label
from service_desk.presenters.mail import inbox_line
from service_desk.rules.notice_subjects import URGENT, choices_of
from service_desk.services import notices
from service_desk.services.notices import preferences
from service_desk.web.http import actor, again, done, own_path, page_request
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("notices", __name__)


@bp.get("/notices")
@login_required
def inbox() -> ResponseReturnValue:
    """My messages, newest first."""
    page = notices.list_inbox(actor(), page_request())
    return render_template("notices/list.html", page=page, line_of=inbox_line)


@bp.post("/notices/<int:notice_id>")
@login_required
def read(notice_id: int) -> ResponseReturnValue:
    """Mark a message read and go where it leads."""
    notice = notices.get_inbox_notice(actor(), notice_id)
    notices.mark_read(actor(), notice_id, now=g.now)
    return redirect(_target(notice), 303)


@bp.post("/notices/read")
@login_required
def read_all() -> ResponseReturnValue:
    """Mark every message read."""
    notices.mark_read(actor(), None, now=g.now)
    return done(_("All messages are marked as read."), "notices.inbox")


@bp.route("/notices/settings", methods=["GET", "POST"])
@login_required
def settings() -> ResponseReturnValue:
    """What I want mailed and when."""
    subjects, form = preferences.subjects_for(actor()), _settings_form()

    def save() -> None:
        preferences.save_preferences(form.command(subjects), form.shown_version, actor=actor(), now=g.now)

    if attempt_once(form, save):
        return done(_("Your notice settings were saved."), "notices.settings")
    context = {
        "form": form,
        "rows": [(form[choice_name(subject)], subject in URGENT) for subject in subjects],
        "zone": str(preferences.zone_of(actor())),
    }
    if form.is_submitted():
        return again("notices/settings.html", **context)
    return render_template("notices/settings.html", **context)


def _settings_form() -> PreferencesForm:
    kept, version = preferences.get_preferences(actor())
    offered = {
        subject: (
            label(subject, "notice_subject"),
            [(choice.value, label(choice, "mail_choice")) for choice in choices_of(subject)],
        )
        for subject in kept.choices
    }
    return preferences_form(offered)(
        data={
            **{choice_name(subject): choice.value for subject, choice in kept.choices.items()},
            "quiet_from": kept.quiet_from,
            "quiet_until": kept.quiet_until,
            "digest_at": kept.digest_at,
            "version": str(version),
        }
    )


def _target(notice: Notice) -> str:
    """A path of this desk, never another site's address; the inbox when the message leads nowhere."""
    return own_path(str(notice.params.get("url", ""))) or url_for("notices.inbox")
