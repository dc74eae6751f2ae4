"""Stricter promises than one, to see what they would have given before one is made in a tender."""

from service_desk.rules.sla.terms import Target, TargetUnit


def stricter_than(target: Target) -> list[Target]:
    """Three quarters and half of a promise, of days one less and half of them, the milder first; whole units only."""
    value, unit = target.value, target.unit
    if unit in (TargetUnit.WORKING_DAYS, TargetUnit.CALENDAR_DAYS):
        wanted = (value - 1, value // 2)
    elif unit is TargetUnit.HOURS:
        value, unit = value * 60, TargetUnit.MINUTES
        wanted = (value * 3 // 4, value // 2)
    else:
        wanted = (value * 3 // 4, value // 2)
    found = sorted({one for one in wanted if 0 < one < value}, reverse=True)
    return [Target(one, unit, target.warn_percent) for one in found]
