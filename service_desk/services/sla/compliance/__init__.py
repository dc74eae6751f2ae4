"""Promises kept and broken: the figures managers audit, and the rows behind each of them.

How it is counted, once for every page, report and export:

* A promise is *judged* when it is kept, at the instant its clock stops, or when it is broken, at the instant it
  was due, whether or not the step is done since. It counts in the day of that instant, and a past week's share
  never moves because something late is done at last.
* Compliance is kept ÷ (kept + broken). Groups are added up by their counts; shares are never averaged.
* Cancelled clocks have no verdict. They are counted beside, in the day they were cancelled.
* Time used is time on the clock, of clocks that have stopped; what is broken and still open is not in it yet.
* A clock belongs to the person who holds it, or held it last. Who used up the time is told by the hours by holder.
* Hours are of the judged clocks as a whole, from start to stop, of those still open until now: their sum by holder
  is the time used.
* Clocks of breach reviews are a step of their own and in no sum: they measure the audit, not the service. The
  client does not see them.
"""

from service_desk.services.sla.compliance.figures import Figures, Group, Times, count_by, total_of
from service_desk.services.sla.compliance.grouping import in_parts
from service_desk.services.sla.compliance.holders import list_holders
from service_desk.services.sla.compliance.hours import Hours
from service_desk.services.sla.compliance.measuring import (
    Stand,
    count_each,
    count_parts,
    count_people,
    count_steps,
    count_steps_of_parts,
    stand_each,
)
from service_desk.services.sla.compliance.overview import Compliance, read_compliance
from service_desk.services.sla.compliance.rows import ClockRow, list_clocks
from service_desk.services.sla.compliance.standing import Standing, stand_of
from service_desk.services.sla.compliance.wanted import (
    NOT_SAID,
    ComplianceFilter,
    Dimension,
    ReviewAge,
    RowsWanted,
    Verdicts,
    broken_within,
    is_at_risk,
    is_late,
    may_rank_staff,
    met_within,
)

__all__ = [
    "NOT_SAID",
    "ClockRow",
    "Compliance",
    "ComplianceFilter",
    "Dimension",
    "Figures",
    "Group",
    "Hours",
    "ReviewAge",
    "RowsWanted",
    "Stand",
    "Standing",
    "Times",
    "Verdicts",
    "broken_within",
    "count_by",
    "count_each",
    "count_parts",
    "count_people",
    "count_steps",
    "count_steps_of_parts",
    "in_parts",
    "is_at_risk",
    "is_late",
    "list_clocks",
    "list_holders",
    "may_rank_staff",
    "met_within",
    "read_compliance",
    "stand_each",
    "stand_of",
    "total_of",
]
