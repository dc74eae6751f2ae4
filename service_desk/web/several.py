"""Acts on several matters at once: saying why some stayed where they are."""

from flask import flash

from service_desk.base.errors import DomainError
from service_desk.presenters.messages import sentence

_NAMED = 10


def say_left(left: list[tuple[str, DomainError]]) -> None:
    """Say why matters stayed where they are, each reason once with its numbers."""
    reasons: dict[str, list[str]] = {}
    for number, refusal in left:
        reasons.setdefault(sentence(refusal), []).append(number)
    for words, numbers in reasons.items():
        flash(f"{', '.join(numbers[:_NAMED])}{'…' if len(numbers) > _NAMED else ''}: {words}", "bad")
