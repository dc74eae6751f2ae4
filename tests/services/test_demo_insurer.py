"""The demo's insurer is named before its history is written: letters are kept as they were printed."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from service_desk import demo
from service_desk.presenters.insurer import insurer_name, insurer_phone
from tests.claim_cases import file_store


class Begun(Exception):
    """The first people and papers are about to be written."""


def test_the_insurer_has_its_name_before_the_first_paper(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(*_: object) -> None:
        raise Begun

    monkeypatch.setattr(demo, "build_group", begin)

    with pytest.raises(Begun):
        demo.load_demo(file_store(), now)

    assert insurer_name() == demo.cast.INSURER_NAME_EN
    assert insurer_phone() == demo.cast.INSURER_PHONE
