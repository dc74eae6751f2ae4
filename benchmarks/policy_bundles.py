"""A bundle of 300 policies from the database to the PDF, beside Typst alone laying out the same pages."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest import mock

import pylopdf_fonts_zh_cn
import typst
from flask import Flask

from benchmarks.timing import Act, line
from service_desk.adapters import pdf
from service_desk.adapters.pdf import TEMPLATES
from service_desk.app import create_app
from service_desk.models.db import db
from service_desk.presenters import pdf_documents
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, batches, rates
from tests import databases
from tests.conftest import make_config
from tests.factories import VehicleFactory
from tests.world import World, build_world

COUNT = 300
REPEATS = 3
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def measure() -> Iterator[dict[str, Any]]:
    """Time both by turns; each run prints other numbers, for Typst remembers equal input."""
    with _desk() as (app, world, number), app.test_request_context():
        data: dict[str, Any] = {}

        def keep(_template: str, given: dict[str, Any], **_options: bool) -> bytes:
            data.update(given)
            return b""

        with mock.patch.object(pdf, "render", keep):
            _bundle(world, number, "x")
        compiler = typst.Compiler(
            root=str(TEMPLATES),
            font_paths=[str(pylopdf_fonts_zh_cn.sans_path().parent)],
            ignore_system_fonts=True,
        )
        value = bare = float("inf")
        for repeat in range(REPEATS):
            bare = min(bare, _seconds(lambda repeat=repeat: _compile(compiler, data, repeat)))
            value = min(value, _seconds(lambda repeat=repeat: _bundle(world, number, str(repeat))))
        yield line("policy.pdf_bundle_300", value * 1e3, bare * 1e3, "ms")


def _bundle(world: World, number: str, mark: str) -> bytes:
    views = batches.policies_to_print(number, first=0, count=COUNT, actor=world.underwriter, now=NOW)
    return pdf_documents.policies_pdf(views, lambda of: f"https://desk.example/{mark}/{of}", tagged=False)


def _compile(compiler: typst.Compiler, data: dict[str, Any], repeat: int) -> object:
    numbered = {
        **data,
        "policies": [{**one, "number": f"{one['number']}-{repeat}"} for one in data["policies"]],
    }
    return compiler.compile(
        input=str(TEMPLATES / "policy.typ"),
        format="pdf",
        pdf_tags=False,
        sys_inputs={"data": json.dumps(numbered, ensure_ascii=False)},
    )


def _seconds(act: Act) -> float:
    begin = perf_counter()
    act()
    return perf_counter() - begin


@contextmanager
def _desk() -> Iterator[tuple[Flask, World, str]]:
    """A desk on SQLite with a batch of 300 policies."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        url = databases.sqlite_database(folder / "bundle.sqlite3")
        databases.create_schema(url)
        app = create_app(make_config(url, folder))
        with app.app_context():
            world = build_world()
            rates.install_sample_rates(now=NOW)
            vehicles = [VehicleFactory(branch=world.gongyi) for _ in range(COUNT)]
            request = IssueRequest(
                world.account.id,
                tuple(vehicle.id for vehicle in vehicles),
                (LineChoice(PolicyLine.CTPL, "basic"),),
            )
            batch = policies.issue_many(request, actor=world.underwriter, now=NOW)
            db.session.commit()
            yield app, world, batch.number
            db.engine.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for one in measure():
        print(f"{one['name']:45} {one['value']:>10} {one['unit']}  {one['ratio']:>7} × floor")
