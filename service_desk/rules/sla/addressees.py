"""Whom an escalation tells, as a level names it: `role:manager` or `user:12`."""

from dataclasses import dataclass

from service_desk.rules.permissions import CLIENT_ROLES, Role

# Level 1 is the breach itself, told to the holder and the managers.
FIRST_ESCALATION = 2
ESCALATION_ROLES = tuple(role for role in Role if role not in CLIENT_ROLES)


@dataclass(frozen=True)
class Addressee:
    """Everybody of the account in a role, or one person; managers when a level names neither."""

    role: Role | None = Role.MANAGER
    user_id: int | None = None

    @property
    def code(self) -> str:
        """How it is stored."""
        return f"user:{self.user_id}" if self.role is None else f"role:{self.role}"


def addressee_from(code: str) -> Addressee:
    """Read a stored code; an empty one is the managers. ValueError for anything else."""
    kind, _, value = code.partition(":")
    if not code:
        return Addressee()
    if kind == "user":
        return Addressee(None, int(value))
    if kind == "role" and Role(value) in ESCALATION_ROLES:
        return Addressee(Role(value))
    raise ValueError(code)


def addressee_of(escalate_to: list[str], level: int) -> Addressee:
    """Whom escalation `level` (2, 3, …) tells."""
    index = level - FIRST_ESCALATION
    return addressee_from(escalate_to[index] if index < len(escalate_to) else "")
