"""What is wrong with a form is summed up in the order of its page, whatever the order of the form."""

import re

from service_desk.web.error_summary import in_order_of_page

PAGE = """<div class="form-errors" role="alert"><ul>
  <li><a href="#note">Enter “Note”.</a></li>
  <li>Somebody was faster.</li>
  <li><a href="#kind-0">Kind</a>: Choose one.</li></ul></div>
<ul><li>first</li></ul><div id="kind"><input id="kind-0"></div><input id="note">"""


def test_a_summary_follows_the_page_and_begins_with_what_is_of_no_field() -> None:
    page = in_order_of_page(PAGE)

    assert page.index("Somebody") < page.index("#kind-0") < page.index("#note") < page.index("first")
    assert len(page.replace("\n", "").replace("  ", "")) == len(PAGE.replace("\n", "").replace("  ", ""))


def test_a_new_level_is_asked_for_in_the_order_of_its_page(world, sign_in) -> None:
    """Its form inherits its promise, so that the step, first on the page, comes last in it."""
    page = sign_in("manager").post("/settings/levels/new", data={}).text

    fields = re.findall(
        r'<a href="#([^"]+)">', page[page.index('class="form-errors"') :].partition("</ul>")[0]
    )
    assert len(fields) > 2
    assert fields == sorted(fields, key=lambda one: page.index(f' id="{one}"'))
