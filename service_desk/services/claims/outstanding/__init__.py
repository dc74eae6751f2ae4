"""The client's lists of outstanding claims: handed in, compared, asked about, answered, kept."""

from service_desk.services.claims.outstanding.deciding import Asked, choose_columns, decide
from service_desk.services.claims.outstanding.handing_in import MATTER_KIND, hand_in, matter_of
from service_desk.services.claims.outstanding.lists import (
    Progress,
    all_rows,
    answer_file,
    candidates_of,
    get_list,
    gone_rows,
    list_lists,
    list_rows,
    original,
    progress_of,
)
from service_desk.services.claims.outstanding.releasing import Answer, release

__all__ = [
    "MATTER_KIND",
    "Answer",
    "Asked",
    "Progress",
    "all_rows",
    "answer_file",
    "candidates_of",
    "choose_columns",
    "decide",
    "get_list",
    "gone_rows",
    "hand_in",
    "list_lists",
    "list_rows",
    "matter_of",
    "original",
    "progress_of",
    "release",
]
