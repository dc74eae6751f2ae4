"""Refusals about delivery runs and cards."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "planned_in_the_past": _l("A run is planned for today or a later day."),
    "nothing_to_deliver": _l("Nothing waits here that is not in a run already."),
    "paper_on_its_way": _l(
        "%(count)s of the chosen papers are in another run or delivered meanwhile: %(papers)s. Nothing was planned."
    ),
    "run_is_out": _l("%(number)s has left already. Record what came back instead."),
    "run_closed": _l("%(number)s is closed: what happened to it was recorded already."),
    "signed_in_future": _l("Nobody can have signed in the future."),
    "signed_before_plan": _l("It cannot have been signed before the run was planned."),
    "brought_back_without_reason": _l("Say why the ticked papers came back."),
    "no_card": _l("No policy is in force or still to begin, so there is no card to print."),
    "too_many_cards": _l(
        "%(count)s cards are too many for one file (at most %(most)s). Print by branch or batch."
    ),
}
