"""When papers ought to be with the branch: the desk promises them within 48 hours of issue."""

from datetime import datetime, timedelta

from service_desk.base.clock import local_date

LATE_AFTER = timedelta(hours=48)


def is_late(issued_at: datetime, now: datetime) -> bool:
    """Whether the 48 hours have run out."""
    return now - issued_at > LATE_AFTER


def age_days(issued_at: datetime, now: datetime) -> int:
    """Calendar days in China since the day of issue; 0 on that day."""
    return (local_date(now) - local_date(issued_at)).days
