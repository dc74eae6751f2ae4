"""The kinds of refusal. Each carries a code and parameters, never prose: doors choose the words."""

from typing import Any


class DomainError(Exception):
    """A refusal a user can be told about.

    `code` names the sentence (`presenters/messages.py` holds them in both languages), `params` fill
    it in, and `field` is the form field it belongs to, None when it concerns the whole request.
    """

    def __init__(self, code: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.params = params

    def __str__(self) -> str:
        return f"{self.code} {self.params}" if self.params else self.code


class NotFound(DomainError):
    """There is no such record, or this actor may not know of it (answered with 404)."""


class Forbidden(DomainError):
    """The actor sees the record but may not do this (403)."""


class Invalid(DomainError):
    """What was asked cannot be done as stated (422, shown beside the field)."""


class Conflict(DomainError):
    """The record changed under the actor, or the act contradicts its present state (409)."""


class InvalidMany(DomainError):
    """Several refusals at once, so that a form can show all of them."""

    def __init__(self, problems: list[Invalid]) -> None:
        super().__init__("invalid_many")
        self.problems = problems
