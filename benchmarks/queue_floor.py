"""The floor of the queue: a bare Flask application that asks the same SQL and shows a table of ten columns."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from flask import Flask, g, render_template_string

TABLE = """<!doctype html><title>queue</title><table>
{% for row in rows %}<tr>{% for cell in row[:10] %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>"""


def create_floor() -> Flask:
    """The application; `QUEUE_DATABASE` and `QUEUE_SQL` say what it asks of which file."""
    app = Flask(__name__)
    statements: list[tuple[str, list[Any]]] = json.loads(Path(os.environ["QUEUE_SQL"]).read_text("utf-8"))

    @app.get("/claims")
    def claims() -> str:
        if "connection" not in g:
            g.connection = sqlite3.connect(os.environ["QUEUE_DATABASE"])
        answers = [g.connection.execute(sql, values).fetchall() for sql, values in statements]
        return render_template_string(TABLE, rows=answers[1])

    @app.teardown_appcontext
    def close(_error: BaseException | None) -> None:
        if "connection" in g:
            g.pop("connection").close()

    return app
