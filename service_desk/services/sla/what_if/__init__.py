"""What if: an account's past judged against another promise, before that promise is made in a tender.

The clocks are those that compliance counts in the period, no more and no fewer, so that "as it was" is the figure
managers know. One that was broken and is still open may be within the other promise so far: it has no verdict yet
and is in neither count of the other promise. A calendar is taken as it is today, a clock's own one as it was when
the clock started. Nothing is written.
"""

from service_desk.services.sla.what_if.answering import Answer, Need, Part, PromiseTrial, ask, try_promise
from service_desk.services.sla.what_if.comparing import Comparison, Flip
from service_desk.services.sla.what_if.flipped import FlippedCase, list_cases
from service_desk.services.sla.what_if.question import Question

__all__ = [
    "Answer",
    "Comparison",
    "Flip",
    "FlippedCase",
    "Need",
    "Part",
    "PromiseTrial",
    "Question",
    "ask",
    "list_cases",
    "try_promise",
]
