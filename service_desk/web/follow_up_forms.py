"""The choices and first values of the forms around a claim's end, which several pages show."""

from typing import Any

from service_desk.presenters.labels import choices
from service_desk.presenters.languages import LANGUAGE_NAMES
from service_desk.rules.follow_up import HIGHEST_SCORE, LOWEST_SCORE
from service_desk.services.claims.plans import PlanFollowUp


def values_of(plan: PlanFollowUp) -> dict[str, Any]:
    """A plan as the fields of its form begin."""
    return {
        "means": plan.means.value,
        "name": plan.name,
        "phone": plan.phone,
        "email": plan.email,
        "language": plan.language,
    }


def set_plan_choices(form: Any) -> None:
    """Fill the choices of a plan, in the reader's language."""
    form.means.choices = choices("follow_up_means")
    form.language.choices = list(LANGUAGE_NAMES.items())


def set_score_choices(form: Any) -> None:
    """Fill the scores: words for the overall one, figures for the others."""
    form.score.choices = choices("score")
    for name in ("speed", "attitude", "result"):
        form[name].choices = [(str(score), str(score)) for score in range(LOWEST_SCORE, HIGHEST_SCORE + 1)]
