"""The bots and webhooks of an account."""

from typing import Any

from flask import Blueprint, current_app, g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.notices import ChannelForm
from service_desk.presenters import notices as words
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.notices import channels
from service_desk.services.notices.channels import ChannelView
from service_desk.web.http import actor, again, current_account, done
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("channels", __name__)


@bp.get("/channels", endpoint="channels")
@login_required
def channels_page() -> ResponseReturnValue:
    """The account's channels, each with its latest messages."""
    account = current_account()
    return render_template(
        "notices/channels.html",
        channels=channels.list_channels(account.id, actor=actor()),
        words=words,
    )


@bp.route("/channels/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Add a bot or webhook."""
    access.require(actor(), Action.MANAGE_CHANNELS)
    account, form = current_account(), _with_choices(ChannelForm())
    if attempt_once(form, lambda: channels.add_channel(account.id, form.command(), actor=actor(), now=g.now)):
        return done(_("The channel was added. Send a test to see that it works."), "channels.channels")
    return _page(form, view=None)


@bp.route("/channels/<int:channel_id>", methods=["GET", "POST"])
@login_required
def edit(channel_id: int) -> ResponseReturnValue:
    """Change or pause a channel; its address and secret are not shown."""
    view = channels.get_channel(channel_id, actor=actor())
    kept = view.channel
    form = _with_choices(
        ChannelForm(
            data={
                "kind": kept.kind.value,
                "name": kept.name,
                "language": kept.language,
                "audience": kept.audience.value,
                "subjects": kept.subjects,
                "is_active": kept.is_active,
                "hears": kept.inbound_ref is not None,
                "inbound_receiver": kept.inbound_receiver,
                "version": str(kept.version),
            }
        )
    )
    if attempt_once(
        form,
        lambda: channels.change_channel(
            channel_id, form.command(), form.shown_version, actor=actor(), now=g.now
        ),
    ):
        return done(_("The channel was changed."), "channels.channels")
    return _page(form, view=view)


@bp.post("/channels/<int:channel_id>/test")
@login_required
def test(channel_id: int) -> ResponseReturnValue:
    """Queue a message that says that the channel works."""
    press(lambda: channels.try_channel(channel_id, actor=actor(), now=g.now))
    return done(
        _("The test goes out within a minute. Load this page again to see what was answered."),
        "channels.channels",
    )


def _page(form: ChannelForm, *, view: ChannelView | None) -> ResponseReturnValue:
    ref = view.channel.inbound_ref if view else None
    base_url = current_app.extensions["desk_config"].public_url
    context: dict[str, Any] = {
        "view": view,
        "callback": base_url + url_for("bots.call", token=ref) if ref else "",
    }
    if form.is_submitted():
        return again("notices/channel.html", form=form, **context)
    return render_template("notices/channel.html", form=form, **context)


def _with_choices(form: ChannelForm) -> ChannelForm:
    form.kind.choices = choices("hook_kind")
    form.audience.choices = choices("channel_audience")
    form.subjects.choices = choices("notice_subject")
    return form
