"""Pictures of the server's pages are kept for people to look at; nothing of them sticks out on a narrow screen."""

import pytest

from tests.browser import keep

LOOKS = [("light", 1280), ("dark", 1280), ("light", 400)]


@pytest.mark.parametrize(("scheme", "width"), LOOKS, ids=["light", "dark", "400"])
def test_people_and_a_person(chromium, address, scheme, width):
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.set_default_timeout(20_000)
    page.goto(address)
    keep(page, f"view-people-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
