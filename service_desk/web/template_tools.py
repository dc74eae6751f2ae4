"""What every template has: filters, labels, navigation, the account switcher."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Flask,
    before_render_template,
    current_app,
    g,
    has_request_context,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user
from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context

from service_desk.base.errors import NotFound
from service_desk.base.money import format_yuan
from service_desk.forms.fields import new_key
from service_desk.presenters import times
from service_desk.presenters.claims import plate
from service_desk.presenters.labels import label
from service_desk.presenters.languages import LANGUAGE_NAMES, named, normalise_language
from service_desk.presenters.notices import dress
from service_desk.rules.knowledge import blocks_of
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, dashboard, duty, notices
from service_desk.services.duty import OnDuty
from service_desk.web.http import current_account, own_accounts
from service_desk.web.last_pages import lead_to_last_page
from service_desk.web.opinion_tools import opinion_forms, opinions_made, opinions_of_item, opinions_owed
from service_desk.web.sessions import words_said


@dataclass(frozen=True)
class NavItem:
    """A place in the left rail; on a phone the first five stand at the bottom."""

    endpoint: str
    url: str
    label: str
    icon: str
    count: int | None
    is_current: bool
    in_phone_bar: bool


def init_templates(app: Flask) -> None:
    """Set the environment up: strict, with our filters and context."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        money=format_yuan,
        yuan=lambda fen: format_yuan(fen, sign=True),
        moment=lambda at: times.moment(at, g.now),
        full_moment=times.full_moment,
        minute=times.minute,
        instant=datetime.fromisoformat,
        day=times.day,
        duration=times.duration,
        label=_label,
        plate=plate,
        named=lambda row: named(row.name, row.name_en),
        in_words=named,
        article_blocks=blocks_of,
    )
    app.jinja_env.globals["audit_tabs"] = audit_tabs
    app.jinja_env.globals["relations_tabs"] = relations_tabs
    app.jinja_env.globals["notice_dress"] = dress
    app.jinja_env.globals["duty_now"] = duty_now
    app.jinja_env.globals["words_said"] = words_said
    app.jinja_env.globals["new_key"] = new_key
    for tool in (opinion_forms, opinions_made, opinions_of_item, opinions_owed):
        app.jinja_env.globals[tool.__name__] = tool
    app.context_processor(_context)
    before_render_template.connect(lead_to_last_page, app)


@pass_context
def _label(_context: Context, value: Any, kind: str) -> str:
    """`label` for templates. With the context it is asked at every rendering: Jinja works a filter over a
    constant out once, when it compiles the page, and the words would stay in that reader's language."""
    return label(value, kind)


def select_language() -> str:
    """The user's own language, else the session's, else the browser's, else Chinese; English on the command line."""
    if not has_request_context():
        return "en"
    if g.get("language"):
        return str(g.language)
    if current_user and current_user.is_authenticated and current_user.language:
        return str(current_user.language)
    chosen = normalise_language(session.get("language"))
    if chosen:
        return chosen
    for tag, _quality in request.accept_languages:
        ours = normalise_language(tag)
        if ours:
            return ours
    return "zh"


def _context() -> dict[str, Any]:
    language = select_language()
    context: dict[str, Any] = {
        "now": g.now if "now" in g else None,
        "languages": [
            {"code": code, "label": name, "is_current": code == language}
            for code, name in LANGUAGE_NAMES.items()
        ],
        "language": language,
        "nav": [],
        "accounts_menu": [],
        "current_account": None,
        "unread_count": 0,
    }
    if current_user.is_authenticated:
        context |= _signed_in_context()
    return context


def _signed_in_context() -> dict[str, Any]:
    try:
        account = current_account()
    except NotFound:
        account = None
    return {
        "nav": navigation(dashboard.nav_counts(account.id, actor=current_user) if account else {}),
        "current_account": account,
        "accounts_menu": [
            {
                "code": a.code,
                "name": named(a.name, a.name_en),
                "is_current": account is not None and a.id == account.id,
            }
            for a in own_accounts()
        ],
        "unread_count": notices.unread_count(current_user),
        "may": lambda action: access.may(current_user, Action(action)),
    }


def duty_now() -> list[OnDuty]:
    """Who is on duty for the account that is looked at, for a card on any page; nobody where there is no account."""
    try:
        account = current_account()
    except NotFound:
        return []
    return duty.on_now(account.id, g.now) if access.may(current_user, Action.READ_ROSTER) else []


# endpoint, icon, permission, in the phone's bar; the words are in `_nav_words`.
_INSURER_NAV = [
    ("desk.home", "home", None, True),
    ("dashboard.overview", "chart", Action.READ_DASHBOARD, False),
    ("fleet.vehicles", "car", Action.READ_FLEET, True),
    ("onboarding.requests", "truck", Action.READ_FLEET, False),
    ("policies.quote", "doc", Action.QUOTE, False),
    ("policies.policies", "shield", Action.READ_POLICIES, False),
    ("renewals.board", "calendar", Action.READ_RENEWALS, False),
    ("premiums.ledger", "money", Action.READ_PREMIUMS, False),
    ("claims.queue", "list", Action.READ_CLAIMS, True),
    ("outstanding.lists", "swap", Action.COMPARE_OUTSTANDING, False),
    ("enquiries.inbox", "chat", Action.READ_ENQUIRIES, True),
    ("follow_ups.board", "phone", Action.HANDLE_CLAIMS, False),
    ("relations.calendar", "users", Action.READ_RELATIONS, False),
    ("sla.compliance", "check", Action.READ_COMPLIANCE, False),
    ("sla.breaches", "clock", Action.REVIEW_BREACHES, False),
    ("reports.reports", "chart", Action.READ_REPORTS, False),
    ("accounts.account", "users", Action.READ_FLEET, False),
    ("users.users", "users", Action.MANAGE_USERS, False),
    ("sla.levels", "gear", Action.MANAGE_CLOCKS, False),
    ("audit.trail", "search", Action.READ_AUDIT, False),
]
_CLIENT_NAV = [
    ("desk.home", "home", None, True),
    ("claims.queue", "list", Action.READ_CLAIMS, True),
    ("outstanding.lists", "swap", Action.COMPARE_OUTSTANDING, False),
    ("fleet.vehicles", "car", Action.READ_FLEET, True),
    ("onboarding.requests", "truck", Action.READ_FLEET, False),
    ("renewals.board", "calendar", Action.READ_RENEWALS, False),
    ("enquiries.inbox", "chat", Action.READ_ENQUIRIES, True),
    ("policies.policies", "shield", Action.READ_POLICIES, False),
    ("premiums.ledger", "money", Action.READ_PREMIUMS, False),
    ("sla.compliance", "check", Action.READ_COMPLIANCE, False),
    ("reports.reports", "chart", Action.READ_REPORTS, False),
    ("commitments.promises", "check", Action.READ_COMMITMENTS, False),
    ("relations.calendar", "users", Action.READ_RELATIONS, False),
]


def _nav_words() -> dict[str, str]:
    return {
        "desk.home": _("My desk"),
        "dashboard.overview": _("Overview"),
        "fleet.vehicles": _("Fleet"),
        "onboarding.requests": _("New vehicles"),
        "policies.quote": _("Quote and issue"),
        "policies.policies": _("Policies"),
        "renewals.board": _("Renewals"),
        "premiums.ledger": _("Premium ledger"),
        "claims.queue": _("Claims"),
        "outstanding.lists": _("Outstanding lists"),
        "enquiries.inbox": _("First contacts"),
        "follow_ups.board": _("Follow-ups"),
        "sla.compliance": _("Compliance"),
        "sla.breaches": _("Breach audit"),
        "reports.reports": _("Reports"),
        "accounts.account": _("Account and branches"),
        "users.users": _("Users"),
        "sla.levels": _("Service levels"),
        "audit.trail": _("Audit trail"),
        "relations.calendar": _("Relations"),
        "commitments.promises": _("Promises"),
    }


def navigation(counts: dict[str, int]) -> list[NavItem]:
    """The places this person may open, with the counts that say something today."""
    items = _CLIENT_NAV if current_user.side is Side.CLIENT else _INSURER_NAV
    words = _nav_words()
    return [
        NavItem(
            endpoint=endpoint,
            url=url_for(endpoint),
            label=words[endpoint],
            icon=icon,
            count=counts.get(endpoint),
            is_current=_is_current(endpoint),
            in_phone_bar=in_phone_bar,
        )
        for endpoint, icon, action, in_phone_bar in items
        if (action is None or access.may(current_user, action)) and endpoint in current_app.view_functions
        if endpoint != "sla.breaches" or current_user.role is not Role.ADMIN
    ]


# endpoint, permission; a page counts as the tab its address begins with.
_AUDIT_TABS = [
    ("sla.compliance", Action.READ_COMPLIANCE),
    ("sla.breaches", Action.REVIEW_BREACHES),
    ("sla.what_if", Action.REVIEW_BREACHES),
]


def audit_tabs() -> list[dict[str, Any]]:
    """The audit pages this person may open, as the `views` macro takes them."""
    words = {"sla.compliance": _("Compliance"), "sla.breaches": _("Breaches"), "sla.what_if": _("What if")}
    return [
        {
            "label": words[endpoint],
            "url": url_for(endpoint),
            "is_current": request.path.startswith(url_for(endpoint)),
        }
        for endpoint, action in _AUDIT_TABS
        if endpoint in current_app.view_functions and access.may(current_user, action)
    ]


# endpoint, permission: what belongs to the relationship, one place in the rail.
_RELATIONS_TABS = [
    ("relations.calendar", Action.READ_RELATIONS),
    ("relations.items", Action.READ_RELATIONS),
    ("opinions.opinions", Action.READ_RELATIONS),
    ("duty.roster", Action.READ_ROSTER),
    ("commitments.promises", Action.READ_COMMITMENTS),
    ("knowledge.articles", Action.READ_KNOWLEDGE),
    ("work_log.mine", Action.LOG_WORK),
    ("scorecards.scorecards", Action.READ_SCORECARDS),
]


def relations_tabs() -> list[dict[str, Any]]:
    """The pages of the relationship this person may open, as the `views` macro takes them."""
    words = {
        "relations.calendar": _("Calendar"),
        "relations.items": _("Agreed items"),
        "opinions.opinions": _("Opinions"),
        "duty.roster": _("Duty roster"),
        "commitments.promises": _("Promises"),
        "knowledge.articles": _("Guides and cases"),
        "work_log.mine": _("Work log"),
        "scorecards.scorecards": _("Scorecards"),
    }
    return [
        {
            "label": words[endpoint],
            "url": url_for(endpoint),
            "is_current": _is_relations_tab(endpoint),
        }
        for endpoint, action in _RELATIONS_TABS
        if endpoint in current_app.view_functions and access.may(current_user, action)
    ]


def _is_relations_tab(endpoint: str) -> bool:
    """Whether the reader is on this tab; only the calendar and the agreed items share their word."""
    word = endpoint.partition(".")[0]
    return request.endpoint == endpoint or (word != "relations" and request.blueprint == word)


# Pages with a name of their own that are opened from another place.
_OPENED_FROM = {
    "messages": "enquiries",
    "handovers": "enquiries",
    "departures": "enquiries",
    "opinions": "relations",
    "duty": "relations",
    "knowledge": "relations",
    "scorecards": "relations",
    "report": "reports",
    "measures": "reports",
    "channels": "accounts",
    "work": "relations",
    "mailboxes": "accounts",
}


def _is_current(endpoint: str) -> bool:
    """Whether the reader is in this place; clocks and policies have two each."""
    # A word may have several page modules: fleet and fleet_imports are one place.
    here = (request.endpoint or "").partition(".")[0].partition("_")[0]
    here = _OPENED_FROM.get(here, here)
    if here == "commitments" and current_user.side is Side.INSURER:
        # A place of its own in the client's rail only.
        here = "relations"
    word = endpoint.partition(".")[0].partition("_")[0]
    if word == "policies":
        is_quoting = request.path.startswith(("/quote", "/issue", "/rates"))
        return here in {"policies", "rates", "quotes"} and is_quoting == (endpoint == "policies.quote")
    if word != "sla":
        return here == word
    if request.path.startswith("/absences"):
        # Opened from one's own menu, not from the rail.
        return False
    return here == word and _clock_place(request.path) == endpoint


def _clock_place(path: str) -> str:
    """Which of the clocks' places an address belongs to: what is promised, what was kept, what was broken."""
    if path.startswith("/settings/"):
        return "sla.levels"
    return "sla.compliance" if path.startswith(("/compliance", "/what-if")) else "sla.breaches"
