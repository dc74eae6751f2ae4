"""English and Simplified Chinese: which one a reader gets, and the catalogues, compiled at start."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask
from flask_babel import Babel, Domain, force_locale, get_locale

from service_desk.models.accounts import Branch

CATALOGUES = Path(__file__).resolve().parent.parent / "translations"
# Ours -> Babel's. Source strings are English, so English needs no catalogue.
LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
LANGUAGE_NAMES = {"zh": "中文", "en": "English"}


class _Catalogues(Domain):
    """The catalogues merged at start: one small .po per word, so that there is no build step and no .mo file.

    Found by the locale's language as it is: a page asks for hundreds of words, and each time Flask-Babel would
    look its context up twice more and write the locale out.
    """

    by_language: Mapping[str, Translations]

    def get_translations(self) -> Translations:
        """What is spoken now; English, which is in the code, outside of any request."""
        locale = get_locale()
        return self.by_language[locale.language if locale else "en"]


def load_languages(app: Flask, select_language: Callable[[], str]) -> None:
    """Set Flask-Babel up with the merged catalogues; `select_language` answers `zh` or `en`."""
    babel = Babel(
        app,
        default_locale="en",
        default_timezone="Asia/Shanghai",
        locale_selector=lambda: LOCALES[select_language()],
    )
    catalogues = _Catalogues()  # type: ignore[no-untyped-call]
    catalogues.by_language = {"en": Translations(), "zh": _merged_catalogue("zh_Hans_CN")}
    babel.domain_instance = catalogues
    _install_words(app, catalogues)


def _install_words(app: Flask, catalogues: _Catalogues) -> None:
    """Let pages ask our catalogues themselves; Flask-Babel would look for them at each word."""
    spoken = catalogues.get_translations
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: spoken().ugettext(text),
        ngettext=lambda one, many, number: spoken().ungettext(one, many, number),
        newstyle=True,
        pgettext=lambda context, text: spoken().upgettext(context, text),
        npgettext=lambda context, one, many, number: spoken().unpgettext(context, one, many, number),
    )
    # Itself and not by the alias that looks it up by name each time.
    app.jinja_env.globals["_"] = app.jinja_env.globals["gettext"]


def _merged_catalogue(locale: str) -> Translations:
    merged: Translations | None = None
    for path in sorted((CATALOGUES / locale).glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=locale)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        translations = Translations(compiled)
        merged = translations if merged is None else merged.merge(translations)
    return merged or Translations()


def normalise_language(code: str | None) -> str | None:
    """Map any tag a browser sends to ours: every Chinese to `zh`; None for a language we do not have."""
    if not code:
        return None
    primary = code.replace("_", "-").split("-")[0].lower()
    return primary if primary in LOCALES else None


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Speak to a recipient in their language (mails, PDFs), whatever the request's is."""
    with force_locale(LOCALES[normalise_language(language) or "zh"]):
        yield


def current_language() -> str:
    """The language being spoken now: `zh` or `en`."""
    locale = get_locale()
    return normalise_language(locale.language if locale else None) or "en"


def named(name: str, name_en: str) -> str:
    """The name of an account or branch in the reader's language; the Chinese one where there is no English."""
    return name_en if name_en and current_language() == "en" else name


def branch_name(branch: Branch) -> str:
    """A branch in the reader's language."""
    return named(branch.name, branch.name_en)
