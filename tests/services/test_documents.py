"""Files of matters: who may open which."""

from datetime import datetime

import pytest

from service_desk.base.errors import NotFound
from service_desk.models.documents import DocumentKind
from service_desk.services import documents, sla
from service_desk.services.sla import starting
from tests.breach_cases import late_survey
from tests.claim_cases import file_store, picture
from tests.world import World


def test_papers_of_a_reviews_clock_are_the_desks_own(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    paper = documents.store_paper(
        file_store(),
        picture(),
        DocumentKind.PAUSE_EVIDENCE,
        starting.review_matter(late_survey(world, now)),
        field="evidence",
        actor=world.manager,
        now=now,
    )

    for reader in (world.hq, world.safety_gongyi, world.foreign_hq):
        with pytest.raises(NotFound):
            documents.get_document(paper.id, actor=reader)
    assert documents.get_document(paper.id, actor=world.claims1) is paper
