"""The mailboxes that are read, and every mail that came: what became of it, and sorting those that wait for a person."""

from io import BytesIO

from flask import Blueprint, g, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.mailboxes import AssignForm, MailboxForm, MailFilterForm
from service_desk.presenters import arrivals as words
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action
from service_desk.services import access, arrivals
from service_desk.services.arrivals import MailboxView, MailRow
from service_desk.services.submissions import once
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import (
    actor,
    again,
    attempt,
    current_account,
    done,
    files,
    keep_file,
    own_accounts,
    page_request,
)
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("mailboxes", __name__)


@bp.get("/mailboxes", endpoint="mailboxes")
@login_required
def mailboxes_page() -> ResponseReturnValue:
    """The mailboxes of the account and, for an administrator, those of all."""
    found = arrivals.list_mailboxes(current_account().id, actor=actor())
    return render_template("mailboxes/list.html", mailboxes=found, words=words)


@bp.route("/mailboxes/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Add a mailbox."""
    access.require(actor(), Action.MANAGE_CHANNELS)
    account, form = current_account(), _with_choices(MailboxForm())

    def add() -> str:
        return once(
            "mailbox",
            form.idempotency_key.data or "",
            lambda: arrivals.add_mailbox(account.id, form.command(), actor=actor(), now=g.now).name,
            actor=actor(),
            now=g.now,
        )

    if attempt(form, add):
        return done(_("The mailbox was added. It is read within a minute."), "mailboxes.mailboxes")
    return _page(form, None)


@bp.route("/mailboxes/<int:mailbox_id>", methods=["GET", "POST"])
@login_required
def edit(mailbox_id: int) -> ResponseReturnValue:
    """Change or pause a mailbox; its password is not shown."""
    view = arrivals.get_mailbox(mailbox_id, actor=actor())
    kept = view.mailbox
    names = ("name", "address", "host", "port", "username", "folder", "poll_minutes", "is_active")
    known = {name: getattr(kept, name) for name in names}
    known |= {"security": kept.security.value, "version": str(kept.version)}
    form = _with_choices(MailboxForm(data=known))
    if attempt_once(
        form,
        lambda: arrivals.change_mailbox(
            mailbox_id, form.command(), form.shown_version, actor=actor(), now=g.now
        ),
    ):
        return done(_("The mailbox was changed. It is read within a minute."), "mailboxes.mailboxes")
    return _page(form, view)


@bp.post("/mailboxes/<int:mailbox_id>/test")
@login_required
def test(mailbox_id: int) -> ResponseReturnValue:
    """Let the mailbox be read now."""
    press(lambda: arrivals.read_now(mailbox_id, actor=actor(), now=g.now))
    return done(
        _("The mailbox is read within a minute. Load this page again to see how it went."),
        "mailboxes.mailboxes",
    )


@bp.get("/mailboxes/mails")
@login_required
def mails() -> ResponseReturnValue:
    """The mails that came, with what became of each."""
    account, form = current_account(), _filter_form()
    page = arrivals.list_mails(account.id, form.wanted(), page_request(), actor=actor())
    return render_template("mailboxes/mails.html", form=form, page=page, words=words)


@bp.get("/mailboxes/mails.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The mails as filtered, all pages, as a spreadsheet."""
    account, form, reader = current_account(), _filter_form(), actor().role
    wanted = form.wanted()
    return send_list(
        lambda page: arrivals.list_mails(account.id, wanted, page, actor=actor()),
        lambda rows: words.mails_sheet(rows, reader, g.now),
        f"received-mails-{local_date(g.now)}.xlsx",
        chosen_in(form),
    )


@bp.get("/mailboxes/mails/<int:mail_id>")
@login_required
def mail(mail_id: int) -> ResponseReturnValue:
    """One mail: its words, what became of it, and what a person may still make of it."""
    row = arrivals.get_mail(mail_id, account_id=current_account().id, actor=actor())
    return render_template("mailboxes/mail.html", row=row, form=_assign_form(), words=words)


@bp.get("/mailboxes/mails/<int:mail_id>/original")
@login_required
def original(mail_id: int) -> ResponseReturnValue:
    """The mail as it came, to be saved: a mail program shows it, the desk never does."""
    row = arrivals.get_mail(mail_id, account_id=current_account().id, actor=actor())
    if not row.mail.raw_key:
        raise NotFound("not_found")
    content = BytesIO(files().get(row.mail.raw_key))
    keep_file(f"mail-{mail_id}.eml")
    return send_file(
        content, mimetype="application/octet-stream", as_attachment=True, download_name=f"mail-{mail_id}.eml"
    )


@bp.post("/mailboxes/mails/<int:mail_id>/assign")
@login_required
def assign(mail_id: int) -> ResponseReturnValue:
    """Say whose a mail is: it becomes a contact."""
    account_id = current_account().id
    row = arrivals.get_mail(mail_id, account_id=account_id, actor=actor())
    form = _assign_form()
    made: list[str] = []

    def act() -> str:
        to_id = form.account_id.data or 0
        return arrivals.assign_mail(mail_id, account_id, to_id, files(), actor=actor(), now=g.now).number

    if attempt(form, lambda: made.append(press(act))):
        return done(
            _("The mail is contact %(number)s now; its sender was told who owns it.", number=made[0]),
            "mailboxes.mails",
        )
    return again("mailboxes/mail.html", row=_again(row, mail_id, account_id), form=form, words=words)


@bp.post("/mailboxes/mails/<int:mail_id>/dismiss")
@login_required
def dismiss(mail_id: int) -> ResponseReturnValue:
    """Say that a mail is nobody's matter."""
    account_id = current_account().id
    press(lambda: arrivals.dismiss_mail(mail_id, account_id, actor=actor(), now=g.now))
    return done(_("The mail was put aside. It stays in the list."), "mailboxes.mails")


def _again(row: MailRow, mail_id: int, account_id: int) -> MailRow:
    """The mail as it is now, after what was refused."""
    try:
        return arrivals.get_mail(mail_id, account_id=account_id, actor=actor())
    except NotFound:
        return row


def _page(form: MailboxForm, view: MailboxView | None) -> ResponseReturnValue:
    context = {"form": form, "view": view, "may_be_common": access.may(actor(), Action.MANAGE_SETTINGS)}
    if form.is_submitted():
        return again("mailboxes/edit.html", **context)
    return render_template("mailboxes/edit.html", **context)


def _with_choices(form: MailboxForm) -> MailboxForm:
    form.security.choices = choices("mail_security")
    return form


def _assign_form() -> AssignForm:
    form = AssignForm()
    accounts = own_accounts()
    form.account_id.choices = [(one.id, one.name) for one in accounts]
    if not form.is_submitted():
        form.account_id.data = current_account().id
    return form


def _filter_form() -> MailFilterForm:
    form = MailFilterForm(request.args)
    boxes = arrivals.list_mailboxes(current_account().id, actor=actor())
    form.mailbox.choices = [
        ("", _("Everything")),
        *((str(one.mailbox.id), one.mailbox.name) for one in boxes),
    ]
    form.outcome.choices = [("", _("Everything")), *choices("mail_outcome")]
    return form
