"""Opinions in words: where each stands, histories, figures with the span before, spreadsheets, addresses of forms."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters import signed_links
from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import local_date
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation
from service_desk.presenters import times
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, named
from service_desk.presenters.relations import HistoryEntry
from service_desk.presenters.sla import Pill
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.opinions import OWED, CampaignState, Figures, OpinionState, Question, Theme
from service_desk.services.opinions.campaigns import PURPOSE, questions_of
from service_desk.services.opinions.figures import Analysis, Part
from service_desk.services.opinions.lists import CampaignRow, InvitationRow, OpinionFile, OpinionRow

_SOON_DAYS = 3
_STATE_TONES = {
    OpinionState.NOTED: ("idle", "info"),
    OpinionState.ANSWERED: ("ok", "check"),
    OpinionState.SETTLED: ("ok", "met"),
    OpinionState.DECLINED: ("idle", "paused"),
    OpinionState.WITHDRAWN: ("idle", "close"),
}
CAMPAIGN_TONES = {CampaignState.PLANNED: "warn", CampaignState.OPEN: "ok", CampaignState.CLOSED: "idle"}


@dataclass(frozen=True)
class FigureLine:
    """A line of the analysis. `theme` and `branch_id` narrow the list behind it; both None: the whole."""

    cut: str
    name: str
    part: Part
    theme: Theme | None = None
    branch_id: int | None = None
    has_rows: bool = True


def form_path(nonce: str) -> str:
    """The path of a form behind a link, for a mail, which knows no request."""
    return f"/opinions/give/{signed_links.token_of(PURPOSE, nonce)}"


def state_pill(opinion: Opinion, now: datetime) -> Pill:
    """Where an opinion stands: what is owed with its days, else its state."""
    words = label(opinion.state, "opinion_state")
    if opinion.state not in OWED:
        tone, icon = _STATE_TONES[opinion.state]
        return Pill(tone, icon, words, None)
    pill = days_pill(opinion, now)
    return replace(pill, text=f"{words} · {pill.text}")


def days_pill(opinion: Opinion, now: datetime) -> Pill:
    """How many days there are for the reply, or how many it is late."""
    days = (opinion.due_on - local_date(now)).days
    if days < 0:
        return Pill("bad", "over", ngettext("%(num)s day overdue", "%(num)s days overdue", -days), None)
    left = ngettext("%(num)s day left", "%(num)s days left", days) if days else _("due today")
    return Pill("warn" if days <= _SOON_DAYS else "ok", "clock", left, None)


def giver(row: OpinionRow) -> str:
    """Who gave it, or that they did not want to be named."""
    return row.giver or _("anonymous")


def form_lines(found: Iterable[tuple[OpinionCampaign, OpinionInvitation]]) -> list[dict[str, Any]]:
    """The forms that ask the reader now, each with whether they have answered."""
    return [
        {
            "number": campaign.number,
            "title": title_of(campaign),
            "until_on": campaign.until_on,
            "is_answered": invitation.answered_at is not None,
        }
        for campaign, invitation in found
    ]


def title_of(campaign: OpinionCampaign) -> str:
    """A campaign's title in the reader's language."""
    return named(campaign.title, campaign.title_en)


def intro_of(campaign: OpinionCampaign) -> str:
    """A campaign's introduction in the reader's language."""
    return named(campaign.intro, campaign.intro_en)


def asked(campaign: OpinionCampaign) -> list[tuple[Theme, str]]:
    """What a campaign asks, in the reader's language."""
    return [(one.theme, question(one)) for one in questions_of(campaign)]


def asked_lines(campaign: OpinionCampaign) -> list[tuple[str, str]]:
    """Each theme a campaign asks about with its question, in the reader's language."""
    return [(label(theme, "opinion_theme"), text) for theme, text in asked(campaign)]


def question(one: Question) -> str:
    """A question in the reader's language."""
    return named(one.text, one.text_en)


def history(file: OpinionFile) -> list[HistoryEntry]:
    """What happened to an opinion, the newest first."""
    opinion = file.row.opinion
    recorder = file.people.get(opinion.recorded_by_id) if opinion.recorded_by_id else None
    who = _("written down by %(name)s", name=person(recorder)) if recorder else ""
    given = HistoryEntry(opinion.given_at, _("Opinion given"), who, "", "")
    steps = [
        HistoryEntry(
            step.at, label(step.action, "opinion_action"), person(file.people[step.by_id]), step.note, "ok"
        )
        for step in file.steps
    ]
    return [given, *steps][::-1]


def percent(ratio: Ratio) -> str:
    """`93.5 %`, a dash where there is nothing to divide by."""
    found = ratio.percent()
    return "—" if found is None else f"{found}%"


def mean(value: Mean, places: int = 1) -> str:
    """`4.2`, a dash where there is nothing."""
    found = value.value(places)
    return "—" if found is None else str(found)


def change(now: Mean, earlier: Mean) -> str:
    """How a mean moved against the span before: `+0.3`."""
    new, old = now.value(1), earlier.value(1)
    return "—" if new is None or old is None else f"{new - old:+}"


def figure_lines(found: Analysis) -> list[FigureLine]:
    """The whole, then by theme, then by branch."""
    themes = [
        FigureLine("theme", label(theme, "opinion_theme"), part, theme=theme)
        for theme, part in found.by_theme.items()
    ]
    branches = [
        FigureLine(
            "branch",
            branch_name(found.branches[key]) if key is not None else _("No branch named"),
            part,
            branch_id=key,
            has_rows=key is not None,
        )
        for key, part in found.by_branch.items()
    ]
    return [FigureLine("total", _("Altogether"), found.total), *themes, *branches]


def theme_charts(
    lines: Iterable[FigureLine], url_of: Callable[[FigureLine, str], str | None]
) -> dict[str, Any]:
    """What the two charts of themes draw, each figure with its words."""
    themes = [line for line in lines if line.cut == "theme"]
    return {
        "counts": [
            (line.name, [(one.opinions, str(one.opinions)) for one in (line.part.now, line.part.before)])
            for line in themes
        ],
        "marks": [
            (line.name, float(value), mean(line.part.now.scores), url_of(line, "all"))
            for line in themes
            if (value := line.part.now.scores.value(1)) is not None
        ],
    }


def opinions_sheet(rows: Iterable[OpinionRow], now: datetime) -> TableSheet:
    """The opinions of the list, as the reader may see them."""
    fields: list[tuple[Column, Getter[OpinionRow]]] = [
        (Column(_("Number")), lambda row: row.opinion.number),
        (Column(_("State")), lambda row: label(row.opinion.state, "opinion_state")),
        (Column(_("Theme"), width=16), lambda row: label(row.opinion.theme, "opinion_theme")),
        (Column(_("Mark"), "int"), lambda row: row.opinion.score),
        (Column(_("What they said"), width=48), lambda row: row.opinion.words),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Given by")), giver),
        (Column(_("Given on"), "datetime"), lambda row: row.opinion.given_at),
        (Column(_("Comes from"), width=16), lambda row: label(row.opinion.source, "opinion_source")),
        (Column(_("Reply by"), "date"), lambda row: row.opinion.due_on),
        (Column(_("Sees to it")), lambda row: person(row.owner)),
        (Column(_("Agreed item"), width=32), lambda row: row.item.title if row.item else None),
        (Column(_("Reply to the opinion"), width=48), lambda row: row.opinion.reply),
        (Column(_("Reply sent at"), "datetime"), lambda row: row.opinion.replied_at),
        (Column(_("Result"), width=40), lambda row: row.opinion.result),
    ]
    return table(_("Opinions"), fields, rows, now)


def campaigns_sheet(rows: Iterable[CampaignRow], now: datetime) -> TableSheet:
    """The campaigns with their response."""
    fields: list[tuple[Column, Getter[CampaignRow]]] = [
        (Column(_("Number")), lambda row: row.campaign.number),
        (Column(_("State")), lambda row: label(row.campaign.state, "campaign_state")),
        (Column(_("Title"), width=40), lambda row: title_of(row.campaign)),
        (Column(_("Begins on"), "date"), lambda row: row.campaign.from_on),
        (Column(_("Answers until"), "date"), lambda row: row.campaign.until_on),
        (Column(_("Asked"), "int"), lambda row: row.answered.whole),
        (Column(_("Filled in"), "int"), lambda row: row.answered.part),
        (Column(_("Response rate")), lambda row: percent(row.answered)),
    ]
    return table(_("Feedback forms"), fields, rows, now)


def invitations_sheet(rows: Iterable[InvitationRow], now: datetime) -> TableSheet:
    """Whom a campaign asks and who has answered."""
    fields: list[tuple[Column, Getter[InvitationRow]]] = [
        (Column(_("Branch"), width=24), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Name")), lambda row: row.invitation.name),
        (Column(_("Mail address"), width=28), lambda row: row.invitation.email),
        (Column(_("Filled in"), "datetime"), lambda row: row.invitation.answered_at),
        (Column(_("Corrected"), "datetime"), lambda row: row.invitation.corrected_at),
        (Column(_("Reminded"), "datetime"), lambda row: row.invitation.reminded_at),
    ]
    return table(_("People asked"), fields, rows, now)


def analysis_sheet(lines: Iterable[FigureLine], found: Analysis, now: datetime) -> TableSheet:
    """The figures as shown, each beside that of the span before."""
    earlier = f"{times.day(found.compared.first)} – {times.day(found.compared.last)}"
    cuts = {"total": _("Altogether"), "theme": _("Theme"), "branch": _("Branch")}
    fields: list[tuple[Column, Getter[FigureLine]]] = [
        (Column(_("Counted by")), lambda line: cuts[line.cut]),
        (Column(_("Name"), width=24), lambda line: line.name),
        *_figure_columns("", lambda line: line.part.now),
        (Column(_("Response rate")), lambda line: percent(line.part.response)),
        *_figure_columns(f" ({earlier})", lambda line: line.part.before),
    ]
    return table(_("Opinions: analysis"), fields, lines, now)


def _figure_columns(
    after: str, figures: Callable[[FigureLine], Figures]
) -> Sequence[tuple[Column, Getter[FigureLine]]]:
    return [
        (Column(_("Number of opinions") + after, "int"), lambda line: figures(line).opinions),
        (Column(_("Average mark") + after), lambda line: mean(figures(line).scores)),
        (Column(_("Replied to") + after), lambda line: percent(figures(line).replied)),
        (Column(_("Settled or not followed") + after), lambda line: percent(figures(line).settled)),
        (Column(_("Days to reply") + after), lambda line: mean(figures(line).reply_days)),
    ]
