"""All that the page of a claim's documents shows, in a bounded number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from service_desk.base.errors import NotFound
from service_desk.models.accounts import Branch
from service_desk.models.claim_papers import DocumentNotice, WantedFile
from service_desk.models.claims import Claim, WantedDocument
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.services.claims import checklists, papers
from service_desk.services.claims.common import get_claim


@dataclass(frozen=True)
class PaperFile:
    """A claim's checklist with its files and notices. `files` are by line id, `people` by user id."""

    claim: Claim
    branch: Branch
    owner: User
    lines: list[WantedDocument]
    files: dict[int, list[tuple[WantedFile, Document]]]
    notices: list[DocumentNotice]
    features: frozenset[ClaimFeature]
    people: dict[int, User]


def read_papers(number: str, *, actor: User) -> PaperFile:
    """The documents of a claim the actor may see; NotFound otherwise."""
    claim = get_claim(number, actor=actor)
    lines, notices = papers.list_wanted(claim.id), papers.list_notices(claim.id)
    ids = {line.decided_by_id for line in lines} | {notice.by_id for notice in notices}
    people = _people(one for one in {*ids, claim.owner_id} if one is not None)
    return PaperFile(
        claim=claim,
        branch=db.session.get_one(Branch, claim.branch_id),
        owner=people[claim.owner_id],
        lines=lines,
        files=checklists.list_files(claim.id),
        notices=notices,
        features=checklists.features_of_claim(claim.id),
        people=people,
    )


def _people(ids: Iterable[int]) -> dict[int, User]:
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(list(ids))))}


def get_notice(file: PaperFile, number: int) -> DocumentNotice:
    """A notice by its number; NotFound when there is none."""
    for notice in file.notices:
        if notice.number == number:
            return notice
    raise NotFound("not_found")
