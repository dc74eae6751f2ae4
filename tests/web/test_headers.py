"""What every answer carries: the security headers, and how long it may be kept."""

import pytest


@pytest.mark.parametrize("path", ["/static/css/theme.css", "/bootstrap/static/css/bootstrap.min.css"])
def test_style_sheets_are_kept_by_the_browser(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "max-age=3600, public"


def test_pages_are_kept_by_nobody_and_run_no_foreign_script(client, world):
    answer = client.get("/sign-in")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
