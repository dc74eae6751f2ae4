"""The door for a WSGI server: `gunicorn wsgi:app`."""

from service_desk.app import create_app

app = create_app()
