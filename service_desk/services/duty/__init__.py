"""The duty roster: who answers when the office is closed."""

from service_desk.services.duty.reading import (
    OnDuty,
    StaffMember,
    has_shifts,
    members,
    next_change,
    on_duty,
    on_now,
    who_is_on,
)

__all__ = ["OnDuty", "StaffMember", "has_shifts", "members", "next_change", "on_duty", "on_now", "who_is_on"]
