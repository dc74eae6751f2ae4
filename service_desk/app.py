"""Builds the app: the one place that knows every floor."""

from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from service_desk import cli, logs, scheduler
from service_desk.adapters import channels, pdf, signed_links
from service_desk.adapters.file_store import FileStore
from service_desk.config import ROOT, Config, load_config
from service_desk.models import all_tables  # noqa: F401 - registers the metadata
from service_desk.models.db import db
from service_desk.presenters.languages import load_languages
from service_desk.services import users
from service_desk.web import api, pages
from service_desk.web.http import answer_stranger, init_http
from service_desk.web.sessions import PageSessions
from service_desk.web.template_tools import init_templates, select_language


def create_app(config: Config | None = None) -> Flask:
    """An app for one configuration (by default the environment's); starts nothing."""
    config = config or load_config()
    app = Flask(
        "service_desk",
        root_path=str(ROOT / "service_desk"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        instance_path=str(config.instance_dir),
    )
    app.config.update(_flask_settings(config))
    app.extensions["desk_config"] = config
    app.extensions["file_store"] = FileStore(config.instance_dir / "files")
    logs.init_logs(config.log_format)
    pdf.use_font_dir(config.pdf_font_dir)
    signed_links.use_key(config.secret_key)
    channels.trust_hosts(config.channel_hosts)
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    app.session_interface = PageSessions()
    CSRFProtect(app)
    Bootstrap5(app)
    load_languages(app, select_language)
    _init_login(app)
    init_http(app)
    init_templates(app)
    for doors in (pages, api):
        for module in iter_modules(doors.__path__):
            app.register_blueprint(import_module(f"{doors.__name__}.{module.name}").bp)
    cli.register(app)
    app.cli.add_command(scheduler.command)
    _wrap(app, config)
    return app


def _flask_settings(config: Config) -> dict[str, object]:
    sqlite = make_url(config.database_url).drivername == "sqlite"
    return {
        "SECRET_KEY": config.secret_key,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {}
        if sqlite
        else {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}},
        "MAX_CONTENT_LENGTH": config.max_upload_mb * 2**20,
        "MAX_FORM_PARTS": 5000,
        "PERMANENT_SESSION_LIFETIME": timedelta(minutes=config.session_minutes),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.public_url.startswith("https://"),
        "SESSION_COOKIE_NAME": f"desk_{config.port}",
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "TESTING": config.testing,
    }


def _init_login(app: Flask) -> None:
    login = LoginManager(app)
    login.login_view = "auth.sign_in"
    login.login_message = None
    login.user_loader(users.load_user)
    login.unauthorized_handler(answer_stranger)


def _wrap(app: Flask, config: Config) -> None:
    static = WhiteNoise(
        app.wsgi_app,
        root=str(ROOT / "static"),
        prefix="static/",
        max_age=3600,
        autorefresh=not config.is_production,
    )
    bootstrap = app.blueprints["bootstrap"]
    static.add_files(bootstrap.static_folder, prefix="bootstrap/static/")
    app.wsgi_app = static  # type: ignore[method-assign]
    if config.proxies:
        hops = config.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
