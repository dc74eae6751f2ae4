"""A claim's steps as the page takes them: form, service, and which of them this person may do now."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from service_desk.forms import claim_money as money_forms
from service_desk.forms import claims as forms
from service_desk.forms import follow_ups as follow_up_forms
from service_desk.forms.claims import StepForm
from service_desk.models.claims import WantedState
from service_desk.models.users import User
from service_desk.presenters.claim_letters import clause_choices
from service_desk.presenters.claim_parties import party_card
from service_desk.presenters.labels import choices, label
from service_desk.rules.claim_documents import likely_features
from service_desk.rules.claim_flow import ClaimAction, ClaimState, actions_from, transition
from service_desk.rules.follow_up import needs_follow_up
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import access
from service_desk.services.claims import (
    assessing,
    authority,
    closing,
    exits,
    follow_ups,
    handling,
    letters,
    papers,
    parties,
    people,
    plans,
    reserves,
    settlement,
)
from service_desk.services.claims.files import ClaimFile
from service_desk.web.follow_up_forms import set_plan_choices, set_score_choices, values_of
from service_desk.web.http import actor, files, uploads


@dataclass(frozen=True)
class Step:
    """One step: its form, the service it calls, what is said when it is done, and its file field if it has one."""

    form: type[StepForm]
    service: Callable[..., Any]
    said: LazyString
    file_field: str | None = None

    def run_for(self, number: str, form: Any) -> None:
        """Call the service with what the form says."""
        who: dict[str, Any] = {"actor": actor(), "now": g.now, "version": form.shown_version}
        if self.file_field:
            sent = uploads(form[self.file_field].name)
            self.service(number, form.command(sent), files=files(), **who)
        elif hasattr(form, "command"):
            self.service(number, form.command(), **who)
        elif "reason" in form:
            self.service(number, form.reason.data or "", **who)
        else:
            self.service(number, **who)


A = ClaimAction

STEPS: dict[ClaimAction, Step] = {
    A.DISPATCH: Step(forms.DispatchForm, handling.dispatch, _l("The surveyor was named and told.")),
    A.ASSIGN: Step(forms.AssignForm, handling.assign, _l("The claim has a new handler.")),
    A.CONTACT: Step(forms.ContactForm, handling.record_contact, _l("The call back was recorded.")),
    A.ARRIVE: Step(forms.ArrivalForm, handling.record_arrival, _l("The arrival was recorded.")),
    A.SURVEY: Step(forms.SurveyForm, handling.record_survey, _l("The survey was recorded."), "photos"),
    A.ASSESS: Step(
        forms.AssessmentForm, handling.record_assessment, _l("The assessment was recorded."), "photos"
    ),
    A.REQUEST_DOCUMENTS: Step(
        forms.RequestDocumentsForm, papers.request_documents, _l("The client was told what is missing.")
    ),
    A.RECEIVE_DOCUMENT: Step(forms.ReceiveForm, papers.receive, _l("The documents were taken in."), "files"),
    A.REJECT_DOCUMENT: Step(forms.JudgeForm, papers.reject, _l("The document was rejected.")),
    A.WAIVE_DOCUMENT: Step(forms.JudgeForm, papers.waive, _l("The document is not needed any more.")),
    A.COMPLETE_DOCUMENTS: Step(StepForm, papers.complete, _l("The documents are complete.")),
    A.CALCULATE: Step(forms.CalculationForm, settlement.calculate, _l("The claim was calculated.")),
    A.APPROVE: Step(forms.ApproveForm, settlement.approve, _l("The calculation was approved.")),
    A.SEND_BACK: Step(forms.ReasonForm, settlement.send_back, _l("The calculation was sent back.")),
    A.PAY: Step(money_forms.PayForm, settlement.pay, _l("The payment was recorded.")),
    A.CLOSE: Step(follow_up_forms.CloseForm, closing.close, _l("The claim was closed.")),
    A.FOLLOW_UP: Step(follow_up_forms.FollowUpForm, follow_ups.follow_up, _l("The follow-up was recorded.")),
    A.WITHDRAW: Step(
        forms.ReasonForm, exits.withdraw, _l("Withdrawn. Write the letter that confirms it next.")
    ),
    A.DENY: Step(money_forms.DenyForm, exits.deny, _l("The claim was denied. Send the letter next.")),
    A.SEND_DENIAL_LETTER: Step(
        money_forms.SendLetterForm, exits.send_denial_letter, _l("The letter was recorded.")
    ),
    A.REOPEN: Step(forms.ReopenForm, exits.reopen, _l("The claim was reopened.")),
    A.SET_RESERVE: Step(forms.ReserveForm, reserves.set_reserve, _l("The reserve was changed.")),
}


def possible_steps(file: ClaimFile, user: User) -> list[ClaimAction]:
    """What this person may do to the claim now. The services decide again; this only spares dead buttons."""
    return [
        action
        for action in actions_from(file.claim.state)
        if action in STEPS and _allowed(action, file, user) and _makes_sense(action, file, user)
    ]


def _allowed(action: ClaimAction, file: ClaimFile, user: User) -> bool:
    step = transition(file.claim.state, action)
    return step is not None and access.may(user, step.permission)


def _makes_sense(action: ClaimAction, file: ClaimFile, user: User) -> bool:
    claim, lines = file.claim, {line.state for line in file.wanted}
    is_missing = bool(lines & set(papers.MISSING))
    called = any(event.action is A.CONTACT and event.round == claim.round for event in file.events)
    calculated_by = file.calculation.calculated_by_id if file.calculation else None
    answers = {
        A.CONTACT: not called,
        A.ARRIVE: claim.arrived_at is None,
        A.REQUEST_DOCUMENTS: is_missing,
        A.WAIVE_DOCUMENT: is_missing,
        A.REJECT_DOCUMENT: WantedState.RECEIVED in lines,
        A.COMPLETE_DOCUMENTS: not is_missing,
        A.APPROVE: calculated_by != user.id and _is_within_authority(file, user),
        A.PAY: file.due_fen > 0,
        A.CLOSE: file.due_fen == 0,
        A.FOLLOW_UP: claim.followed_up_at is None
        and needs_follow_up(claim.state, was_surveyed=claim.surveyed_at is not None),
        A.SEND_DENIAL_LETTER: claim.denial_letter_at is None and letters.current_letter(claim) is not None,
        # Asked of the database, and so of this step alone.
        A.WITHDRAW: action is A.WITHDRAW and exits.may_withdraw(claim),
    }
    return answers.get(action, True)


def _is_within_authority(file: ClaimFile, user: User) -> bool:
    if file.claim.state is not ClaimState.CALCULATED or file.calculation is None:
        return False
    return authority.may_decide(file.claim.account_id, file.calculation.total_fen, actor=user, now=g.now)


def build_form(action: ClaimAction, file: ClaimFile, *, sent: bool = False) -> StepForm:
    """The form of a step, filled with what the claim suggests; with `sent`, with what this request carries.

    Each form's names begin with its action, since several stand on one page.
    """
    source = {} if sent else {"formdata": None}
    values = {"version": str(file.claim.version)} | _suggested(action, file)
    form = STEPS[action].form(prefix=action.value, data=values, **source)
    _set_choices(action, form, file)
    return form


def _suggested(action: ClaimAction, file: ClaimFile) -> dict[str, Any]:
    claim = file.claim
    suggestions: dict[ClaimAction, Callable[[], dict[str, Any]]] = {
        A.DISPATCH: lambda: {"surveyor_id": claim.owner_id},
        A.CONTACT: lambda: {"at": g.now, "spoken_with": claim.reporter_name},
        A.SURVEY: lambda: {"features": _features(file)},
        A.ASSESS: lambda: _estimated(file),
        A.APPROVE: lambda: {"calculation_id": file.calculation.id if file.calculation else 0},
        A.PAY: lambda: _payment(file),
        A.CLOSE: lambda: values_of(plans.planned_or_suggested(claim)),
        A.FOLLOW_UP: lambda: {"at": g.now, "spoken_with": plans.planned_or_suggested(claim).name},
        A.SEND_DENIAL_LETTER: lambda: {"at": g.now},
        A.SET_RESERVE: lambda: {"amount": claim.reserve_fen},
    }
    return suggestions[action]() if action in suggestions else {}


def _features(file: ClaimFile) -> list[str]:
    codes = {cover.code for cover in file.covers}
    likely = likely_features(
        injured_count=file.claim.injured_count,
        has_other_party=bool(file.claim.other_party),
        has_own_damage_cover=CoverCode.OWN_DAMAGE in codes,
    )
    return sorted(feature.value for feature in likely)


def _payment(file: ClaimFile) -> dict[str, Any]:
    values: dict[str, Any] = {"amount": file.due_fen}
    if file.payments:
        values |= {"payee": file.payments[-1].payee, "bank": file.payments[-1].bank}
    return values


def _set_choices(action: ClaimAction, form: Any, file: ClaimFile) -> None:
    """Fill the selects, which need the reader's language or the claim's own people and papers."""
    of_field: dict[ClaimAction, tuple[str, Callable[[], list[Any]]]] = {
        A.DISPATCH: ("surveyor_id", lambda: _handlers(file)),
        A.ASSIGN: ("handler_id", lambda: [one for one in _handlers(file) if one[0] != file.claim.owner_id]),
        A.SURVEY: ("features", lambda: choices("claim_feature")),
        A.RECEIVE_DOCUMENT: ("codes", lambda: _lines(file, *papers.MISSING)),
        A.REJECT_DOCUMENT: ("code", lambda: _lines(file, WantedState.RECEIVED)),
        A.WAIVE_DOCUMENT: ("code", lambda: _lines(file, *papers.MISSING)),
        A.CALCULATE: ("fault", lambda: choices("fault")),
        A.DENY: ("clauses", lambda: clause_choices([cover.code for cover in file.covers])),
        A.SET_RESERVE: ("item", lambda: choices("reserve_change_item")),
    }
    if action in of_field:
        name, offered = of_field[action]
        form[name].choices = offered()
    if action is A.ASSESS:
        owners = _parties(file)
        for row in form.items:
            row.form.kind.choices = choices("loss_kind")
            row.form.party_id.choices = owners
    if action is A.CLOSE:
        set_plan_choices(form)
        if file.claim.paid_fen or file.due_fen:
            del form.zero_reason
    if action is A.FOLLOW_UP:
        set_score_choices(form)
    if action is A.SURVEY and file.claim.arrived_at is not None:
        del form.arrived_at
        del form.arrival_reason


def _parties(file: ClaimFile) -> list[tuple[int | str, str]]:
    cards = [party_card(view, handled=True, for_client=False) for view in parties.list_parties(file.claim.id)]
    return [("", "—"), *((card.party.id, f"{card.kind}: {card.title}") for card in cards)]


def _estimated(file: ClaimFile) -> dict[str, Any]:
    """What was estimated item by item, to be assessed; in a later round with what was assessed for nobody by name."""
    rows = [
        {
            "item_id": str(item.id),
            "label": item.label,
            "party_id": item.party_id,
            "kind": item.kind.value,
            "amount": item.amount_fen,
        }
        for view in parties.list_parties(file.claim.id)
        for item in view.items
        if item.amount_fen
    ]
    if file.assessments:
        rows += [
            {"label": item.label, "kind": item.kind.value, "amount": item.amount_fen}
            for item in assessing.items_of(file.assessments[-1])
            if item.item_id is None and item.amount_fen
        ]
    return {"items": rows} if rows else {}


def _handlers(file: ClaimFile) -> list[tuple[int, str]]:
    return [
        (user.id, f"{user.name} · {user.staff_no}") for user in people.list_handlers(file.claim.account_id)
    ]


def _lines(file: ClaimFile, *states: WantedState) -> list[tuple[str, str]]:
    return [(line.code, label(line.code, "document_code")) for line in file.wanted if line.state in states]
