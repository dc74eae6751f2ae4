"""Follow-ups in words: the public form's address, the list as a spreadsheet, the figures."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters import signed_links
from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA
from service_desk.models.follow_ups import FollowUpLink
from service_desk.presenters import sla as clocks
from service_desk.presenters.exports import personal
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose
from service_desk.services.claims.follow_up_lists import FollowUpRow, FollowUpView
from service_desk.services.claims.plans import PURPOSE


def form_path(nonce: str) -> str:
    """The path of a form, for a mail, which knows no request."""
    return f"/feedback/{signed_links.token_of(PURPOSE, nonce)}"


def form_url(link: FollowUpLink, public_url: str) -> str:
    """The whole address of a form, for whoever sends it on."""
    return f"{public_url}{form_path(link.nonce)}"


def pill_of(row: FollowUpRow, now: datetime) -> clocks.Pill | None:
    """The follow-up clock of a row; None where none ran."""
    return clocks.pill(row.clock, now, named=False) if row.clock else None


def percent(ratio: Ratio) -> str:
    """`93.5 %`, a dash where there is nothing to divide by."""
    found = ratio.percent()
    return "—" if found is None else f"{found}%"


def average(mean: Mean) -> str:
    """`4.35`, a dash where nothing was scored."""
    found = mean.value()
    return "—" if found is None else str(found)


def sheet(rows: Iterable[FollowUpRow], view: FollowUpView, reader: Role, now: datetime) -> TableSheet:
    """The list as filtered."""
    columns = [
        Column(_("Claim")),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=22),
        Column(_("State")),
        Column(_("Ended"), "datetime"),
        Column(_("Handler")),
        Column(_("Follow-up due"), "datetime"),
        Column(_("Way of asking")),
        Column(_("Whom")),
        Column(_("Phone")),
        Column(_("Tries"), "int"),
        Column(_("Call again"), "datetime"),
        Column(_("Followed up"), "datetime"),
        Column(_("All in all"), "int"),
        Column(_("Speed"), "int"),
        Column(_("Attitude"), "int"),
        Column(_("Result"), "int"),
        Column(_("Wants to be called back"), width=12),
        Column(_("What they said"), width=40),
    ]
    return TableSheet(
        name=_("Follow-ups"),
        title=_("Follow-ups: %(view)s", view=label(view, "follow_up_view")),
        columns=columns,
        rows=(_sheet_row(row, reader) for row in rows),
        notes=[_("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")],
    )


def _sheet_row(row: FollowUpRow, reader: Role) -> list[str | int | datetime | None]:
    claim, plan, answer = row.claim, row.plan, row.answer
    return [
        claim.number,
        claim.plate,
        branch_name(row.branch),
        label(claim.state, "claim_state"),
        claim.closed_at,
        f"{row.owner.name} {row.owner.staff_no}",
        row.clock.due_at if row.clock else None,
        label(answer.means if answer else plan.means if plan else None, "follow_up_means"),
        personal(plan.name if plan else claim.reporter_name, reader, Personal.NAME, Whose.INSURED),
        personal(plan.phone if plan else claim.callback_phone, reader, Personal.PHONE, Whose.INSURED),
        plan.tries if plan else 0,
        plan.next_try_at if plan and not answer else None,
        claim.followed_up_at,
        *((answer.score, answer.speed, answer.attitude, answer.result) if answer else (None,) * 4),
        label(str(answer.wants_call_back), "yes_no") if answer else None,
        answer.comment if answer else None,
    ]
