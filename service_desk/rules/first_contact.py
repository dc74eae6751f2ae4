"""First contact owns it (首问负责制): who keeps a matter, who hears a complaint, and what is the same matter again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# So long after it was closed, the same matter asked about again is a repeat of it and no new one.
REMEMBERED = timedelta(days=14)
# So long the client may say that what was closed is not settled.
MAY_REOPEN = timedelta(days=7)
_CHINA = "86"
_LOCAL_DIGITS = 11


class Closeness(StrEnum):
    """Why an earlier contact may be the same matter; the surer first."""

    SAME_CLAIM = "same_claim"
    SAME_POLICY = "same_policy"
    SAME_VEHICLE = "same_vehicle"
    SAME_CALLER = "same_caller"


@dataclass(frozen=True)
class Asking:
    """What a contact is about and who asks, as far as it is known. `phone` is a `phone_key`."""

    claim_id: int | None = None
    policy_id: int | None = None
    vehicle_id: int | None = None
    phone: str = ""
    name: str = ""


@dataclass(frozen=True)
class Member:
    """Somebody of the desk. `load` is how many contacts wait for their answer."""

    user_id: int
    staff_no: str
    load: int


def phone_key(text: str) -> str:
    """The digits of a phone, without the country's code: 139 3710 8891 and +86-13937108891 are one phone."""
    digits = "".join(one for one in text if one.isascii() and one.isdigit()).removeprefix("00")
    return digits.removeprefix(_CHINA) if len(digits) == len(_CHINA) + _LOCAL_DIGITS else digits


def closeness(new: Asking, earlier: Asking) -> Closeness | None:
    """Why they may be the same matter; None when nothing says so.

    Two claims of one vehicle are two matters. A caller is the same by phone, or by name where a phone is missing.
    """
    if new.claim_id and earlier.claim_id:
        return Closeness.SAME_CLAIM if new.claim_id == earlier.claim_id else None
    if new.policy_id and new.policy_id == earlier.policy_id:
        return Closeness.SAME_POLICY
    if new.vehicle_id and new.vehicle_id == earlier.vehicle_id:
        return Closeness.SAME_VEHICLE
    if new.phone and earlier.phone:
        return Closeness.SAME_CALLER if new.phone == earlier.phone else None
    return Closeness.SAME_CALLER if new.name and new.name == earlier.name else None


def is_same_matter(why: Closeness | None) -> bool:
    """Whether it is one matter beyond doubt. The same caller may well ask about something else."""
    return why in (Closeness.SAME_CLAIM, Closeness.SAME_POLICY, Closeness.SAME_VEHICLE)


def is_remembered(closed_at: datetime | None, now: datetime) -> bool:
    """Whether a contact is open, or was closed so lately that asking again is asking the same."""
    return closed_at is None or now - closed_at <= REMEMBERED


def may_reopen(closed_at: datetime | None, now: datetime) -> bool:
    """Whether the client may still say that a closed contact is not settled; the last instant counts."""
    return closed_at is not None and now - closed_at <= MAY_REOPEN


def first_owner(
    desk: Sequence[Member],
    *,
    earlier: int | None = None,
    asked: int | None = None,
    handler: int | None = None,
) -> int | None:
    """Who owns a new contact, None when nobody can.

    Whoever has the same matter already (`earlier`, still at the desk), else who was asked in person, else the handler
    of the claim it is about, else who of the desk has the fewest open contacts, by staff number where they are equal.
    """
    for known in (earlier, asked, handler):
        if known is not None:
            return known
    return least_loaded(desk)


def least_loaded(people: Collection[Member]) -> int | None:
    """Who has the fewest open contacts; by staff number where they are equal."""
    ordered = sorted(people, key=lambda one: (one.load, one.staff_no))
    return ordered[0].user_id if ordered else None


def complaint_owner(
    managers: Sequence[Member],
    administrators: Sequence[Member],
    *,
    barred: int | None,
    had: Collection[int] = (),
    asked: int | None = None,
) -> int | None:
    """Who hears a complaint: a manager of the desk, else an administrator; never the person complained about.

    A manager who was asked in person keeps it. `had` are those whose answer did not satisfy: they are passed over.
    None when nobody is left.
    """
    for line in (managers, administrators):
        able = [one for one in line if one.user_id != barred and one.user_id not in had]
        if asked is not None and any(one.user_id == asked for one in able):
            return asked
        chosen = least_loaded(able)
        if chosen is not None:
            return chosen
    return None
