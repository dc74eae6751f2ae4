"""What is wrong with a form is summed up in the order of its page, whatever the order of the form."""

import re


def test_a_new_level_is_asked_for_in_the_order_of_its_page(world, sign_in) -> None:
    """Its form inherits its promise, so that the step, first on the page, comes last in it."""
    page = sign_in("manager").post("/settings/levels/new", data={}).text

    fields = re.findall(
        r'<a href="#([^"]+)">', page[page.index('class="form-errors"') :].partition("</ul>")[0]
    )
    assert len(fields) > 2
    assert fields == sorted(fields, key=lambda one: page.index(f' id="{one}"'))
