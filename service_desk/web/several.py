"""Several matters at once: doing what can be done, saying why the rest stayed, keeping what was ticked and typed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import flash, request, session

from service_desk.base.errors import DomainError
from service_desk.models.db import db
from service_desk.presenters.messages import sentence
from service_desk.services.enquiries.many import Outcome
from service_desk.web.sent_twice import press

_NAMED = 10
# The session is a cookie: more than a list's page is not kept in it.
_MOST_KEPT = 100
_KEY = "refused_offer"


@dataclass(frozen=True)
class KeptOffer:
    """What of an offer was refused: shown on its page once more as it was typed."""

    numbers: Sequence[str] = ()
    to_id: int = 0
    note: str = ""


def keep_offer(back: str, numbers: Sequence[str], to_id: int, note: str) -> None:
    """Keep a refused offer until the page it came from is shown again."""
    session[_KEY] = [back.rstrip("?"), list(numbers[:_MOST_KEPT]), to_id, note[:200]]


def kept_offer() -> KeptOffer:
    """The offer that was just refused on this very page; an empty one otherwise."""
    back, *offer = session.pop(_KEY, None) or [""]
    return KeptOffer(*offer) if back == request.full_path.rstrip("?") else KeptOffer()


def press_several(act: Callable[[], Outcome]) -> tuple[int, list[tuple[str, DomainError]]]:
    """Do once what can be done of it: with how many, and what stayed as it was, which is said. A refusal is raised."""
    left: list[tuple[str, DomainError]] = []

    def count_done() -> str:
        outcome = act()
        left.extend(outcome.left)
        return str(len(outcome.done))

    count = int(press(count_done))
    db.session.flush()
    if not count:
        # Nothing is to be remembered of it: sent again it may be possible, and if not, one is told why again.
        db.session.rollback()
    _say_left(left)
    return count, left


def _say_left(left: list[tuple[str, DomainError]]) -> None:
    """Say why matters stayed where they are, each reason once with its numbers."""
    reasons: dict[str, list[str]] = {}
    for number, refusal in left:
        reasons.setdefault(sentence(refusal), []).append(number)
    for words, numbers in reasons.items():
        flash(f"{', '.join(numbers[:_NAMED])}{'…' if len(numbers) > _NAMED else ''}: {words}", "bad")
