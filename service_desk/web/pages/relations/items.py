"""Agreed items: the list, one with its history, and how it ends."""

from collections.abc import Callable
from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member, small_number
from service_desk.forms.relations import DropForm, GiveForm, ItemFilterForm, MoveDueForm, ResultForm
from service_desk.models.relations import ItemSource, ItemState
from service_desk.presenters import relations as words
from service_desk.presenters.labels import choices, label
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.relations import item_lists
from service_desk.services.relations import items as agreed
from service_desk.services.relations.item_lists import ItemFilter, ItemView
from service_desk.services.relations.visibility import get_item
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, again, current_account, done, page_request
from service_desk.web.pages.relations.blueprint import bp, branch_choices
from service_desk.web.sent_twice import attempt_once


@bp.get("/relations/items")
@login_required
def items() -> ResponseReturnValue:
    """The account's agreed items by saved filter, owner, branch and source."""
    account, form, wanted = current_account(), _form(), _wanted()
    page = item_lists.list_items(account.id, wanted, page_request(), actor=actor(), now=g.now)
    counts = item_lists.count_views(account.id, wanted, actor=actor(), now=g.now)
    return render_template(
        "relations/items.html",
        page=page,
        form=form,
        wanted=wanted,
        views=[_tab(view, wanted, counts[view]) for view in ItemView],
        words=words,
    )


@bp.get("/relations/items.xlsx")
@login_required
def items_export() -> ResponseReturnValue:
    """The items as filtered, as a spreadsheet."""
    account, wanted = current_account(), _wanted()
    return send_list(
        lambda page: item_lists.list_items(account.id, wanted, page, actor=actor(), now=g.now),
        lambda rows: words.items_sheet(rows, g.now),
        f"agreed-items-{local_date(g.now)}.xlsx",
        [(_("View"), label(wanted.view, "item_view")), *chosen_in(_form())],
    )


def _form() -> ItemFilterForm:
    account_id = current_account().id
    form = ItemFilterForm(request.args)
    owners = item_lists.list_owners(account_id, actor=actor())
    form.owner.choices = [
        ("", _("All people")),
        *((str(user.id), f"{user.name} · {user.staff_no}") for user in owners),
    ]
    form.branch.choices = [("", _("All branches")), *branch_choices(account_id)]
    form.source.choices = [("", _("Everywhere")), *choices("item_source")]
    return form


def _wanted() -> ItemFilter:
    """The filter in the address; nonsense means what is open."""
    return ItemFilter(
        view=member(ItemView, request.args.get("view")) or ItemView.OPEN,
        owner_id=small_number(request.args.get("owner")),
        branch_id=small_number(request.args.get("branch")),
        source=member(ItemSource, request.args.get("source")),
    )


def _tab(view: ItemView, wanted: ItemFilter, count: int) -> dict[str, Any]:
    url = url_for(
        "relations.items",
        view=view.value,
        owner=wanted.owner_id,
        branch=wanted.branch_id,
        source=wanted.source.value if wanted.source else None,
    )
    return {
        "label": label(view, "item_view"),
        "url": url,
        "is_current": view is wanted.view,
        "count": count,
    }


@bp.get("/relations/items/<int:item_id>")
@login_required
def item(item_id: int) -> ResponseReturnValue:
    """One item: what is to be done, by whom, until when, and what came of it."""
    return render_template("relations/item.html", **_context(item_id))


def _context(item_id: int, refused: Any = None, name: str = "") -> dict[str, Any]:
    file = item_lists.read_item(item_id, actor=actor())
    is_open, reports = file.item.state is ItemState.OPEN, agreed.may_report(file.item, actor())
    known = {"version": str(file.item.version)}
    forms: dict[str, Any] = {
        "result_form": ResultForm(formdata=None, data=known, prefix="result"),
        "drop_form": DropForm(formdata=None, data=known, prefix="drop"),
        "move_form": MoveDueForm(formdata=None, data=known | {"due_on": file.item.due_on}, prefix="move"),
    }
    forms["give_form"] = _give_form(file.item.account_id, known)
    if refused is not None:
        # The page now shows the item as it is, so what is sent again is based on that.
        refused.version.data = str(file.item.version)
        forms[f"{name}_form"] = refused
    return {
        "file": file,
        "item": file.item,
        "pill": words.item_pill(file.item, g.now),
        "history": words.item_history(file),
        "may_finish": is_open and reports,
        "may_move": is_open and reports and access.may(actor(), Action.PLAN_RELATIONS),
        "may_drop": is_open and access.may(actor(), Action.LEAD_RELATIONS),
        "refused": name,
        **forms,
    }


@bp.post("/relations/items/<int:item_id>/done")
@login_required
def finish(item_id: int) -> ResponseReturnValue:
    """Report it done, with what came of it."""
    get_item(item_id, actor=actor())
    form = ResultForm(prefix="result")
    return _end(
        item_id,
        (form, "result"),
        lambda: agreed.finish(item_id, form.result.data or "", form.shown_version, actor=actor(), now=g.now),
        _("The item is done."),
    )


@bp.post("/relations/items/<int:item_id>/drop")
@login_required
def drop(item_id: int) -> ResponseReturnValue:
    """Give it up, with the reason."""
    get_item(item_id, actor=actor())
    form = DropForm(prefix="drop")
    return _end(
        item_id,
        (form, "drop"),
        lambda: agreed.drop(item_id, form.reason.data or "", form.shown_version, actor=actor(), now=g.now),
        _("The item was dropped."),
    )


@bp.post("/relations/items/<int:item_id>/move")
@login_required
def move(item_id: int) -> ResponseReturnValue:
    """Set another day, with the reason."""
    get_item(item_id, actor=actor())
    form = MoveDueForm(prefix="move")
    return _end(
        item_id,
        (form, "move"),
        lambda: agreed.move_due(
            item_id,
            form.due_on.data,
            form.reason.data or "",
            form.shown_version,
            actor=actor(),
            now=g.now,
        ),
        _("The day was moved."),
    )


@bp.post("/relations/items/<int:item_id>/give")
@login_required
def give(item_id: int) -> ResponseReturnValue:
    """Let another own it, with the reason."""
    found = get_item(item_id, actor=actor())
    form = _give_form(found.account_id)
    return _end(
        item_id,
        (form, "give"),
        lambda: agreed.give(
            item_id,
            form.owner_id.data or 0,
            form.reason.data or "",
            form.shown_version,
            actor=actor(),
            now=g.now,
        ),
        _("It has another owner, who is told."),
    )


def _give_form(account_id: int, known: dict[str, str] | None = None) -> GiveForm:
    """The form as sent, or with what is known, empty."""
    form = GiveForm(prefix="give") if known is None else GiveForm(formdata=None, data=known, prefix="give")
    owners = agreed.possible_owners(account_id)
    form.owner_id.choices = [("", "—"), *((user.id, f"{user.name} · {user.staff_no}") for user in owners)]
    return form


def _end(item_id: int, sent: tuple[Any, str], act: Callable[[], object], said: str) -> ResponseReturnValue:
    """Act on what one of the page's forms says; a refused one is shown again on the page."""
    form, name = sent
    if attempt_once(form, act):
        return done(said, "relations.item", item_id=item_id)
    return again("relations/item.html", **_context(item_id, form, name))
