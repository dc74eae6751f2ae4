"""The desk as an app on a phone: its manifest, its service worker, and what is shown without network."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from service_desk.presenters.languages import LANGUAGE_NAMES, in_language

bp = Blueprint("phone_app", __name__)

# The top bar and the page of the look.
THEME_COLOUR, BACKGROUND_COLOUR = "#14202e", "#f6f7f9"
_SHELL = ("css/*.css", "js/*.js", "js/phone/*.js", "img/*")
_WORKER = "js/phone/worker.js"


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """What a phone needs to put the desk on its home screen, in the language of the page that names it."""
    language = request.args.get("lang", "")
    language = language if language in LANGUAGE_NAMES else "zh"
    with in_language(language):
        content = _manifest(language)
    response = current_app.json.response(content)
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "max-age=3600"
    return response


def _manifest(language: str) -> dict[str, Any]:
    root = f"{request.script_root}/"
    icon = {"src": url_for("static", filename="img/icon.svg"), "sizes": "any", "type": "image/svg+xml"}
    return {
        "id": root,
        "name": _("Service Desk"),
        "short_name": _("Desk"),
        "description": _("Report an accident, follow the claim, also without signal."),
        "lang": "zh-CN" if language == "zh" else language,
        "start_url": root,
        "scope": root,
        "display": "standalone",
        "theme_color": THEME_COLOUR,
        "background_color": BACKGROUND_COLOUR,
        "icons": [
            icon,
            _png("icon-192.png", 192, "any"),
            _png("icon-512.png", 512, "any"),
            _png("icon-maskable-512.png", 512, "maskable"),
        ],
        "shortcuts": [{"name": _("Report an accident"), "url": url_for("claim_reports.report")}],
    }


def _png(name: str, size: int, purpose: str) -> dict[str, str]:
    return {
        "src": url_for("static", filename=f"img/{name}"),
        "sizes": f"{size}x{size}",
        "type": "image/png",
        "purpose": purpose,
    }


@bp.get("/service-worker.js")
def worker() -> ResponseReturnValue:
    """The worker, from the root so that it serves every page. It changes with any file of the shell."""
    version, names = _shell() if current_app.extensions["desk_config"].is_production else _read_shell()
    shell = [url_for("static", filename=name) for name in names]
    shell.append(url_for("bootstrap.static", filename="css/bootstrap.min.css"))
    settings = {
        "version": version,
        "shell": shell,
        "root": request.script_root,
        "offline": url_for("phone_app.offline"),
    }
    source = url_for("static", filename=_WORKER, v=version)
    response = Response(
        f'import {{ start }} from "{source}";\nstart({json.dumps(settings)});\n', mimetype="text/javascript"
    )
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/offline")
def offline() -> ResponseReturnValue:
    """What is shown without network to somebody of whom the phone keeps no pages."""
    return render_template("claim_reports/offline.html")


def _read_shell() -> tuple[str, list[str]]:
    """The shell's files and a version that changes with any of them."""
    folder = Path(current_app.static_folder or "")
    paths = sorted(path for pattern in _SHELL for path in folder.glob(pattern))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16], [path.relative_to(folder).as_posix() for path in paths]


@cache
def _shell() -> tuple[str, list[str]]:
    """The same, read once: in production files change only with the program."""
    return _read_shell()
