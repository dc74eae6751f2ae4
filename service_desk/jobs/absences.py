"""Every half minute: absences begin and end, and the clocks of who is away change hands."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services.sla import covering

NAME = "absences"


def run(now: datetime) -> Tally:
    """Begin and end what is due, in order; after an outage one change after the other, at their true instants.

    A change that fails is left for the next run, and with it the later ones of the same absence.
    """
    tally, seen = Tally(), set[tuple[int, datetime]]()
    while due := [one for one in covering.list_due(now) if one not in seen]:
        # One at a time: what it brings next may be due before the rest.
        first = due[0]
        seen.add(first)
        tally += each(NAME, [first], lambda one: covering.make_change(*one, now))
    lasting = covering.list_by_roster()
    tally += (
        each(NAME, lasting, lambda absence_id: covering.follow_roster(absence_id, now))
        if lasting
        else Tally()
    )
    lost = covering.list_without_stand_in()
    return tally + each(NAME, lost, lambda absence_id: covering.replace_stand_in(absence_id, now))
