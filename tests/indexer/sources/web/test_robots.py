"""robots.txt: the group of our name, the longest rule, and * and $ in patterns."""

import pytest

from indexer.sources.web.robots import Robots

RULES = """
User-agent: other
Disallow: /

User-Agent: one
user-agent: *
Disallow: /private/   # nobody
Allow: /private/open
Disallow: /*.cgi$
Disallow: /*?sort=
Crawl-delay: 2
Disallow:
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True), ("/private/a", False), ("/private/open/a", True), ("/privately", True),
        ("/a/b.cgi", False), ("/a.cgi?x", True), ("/a?sort=1", False), ("/a?x&sort=1", True),
    ],
)  # fmt: skip
def test_the_longest_rule_that_fits_decides(path: str, allowed: bool) -> None:
    assert Robots.read(RULES).allows(path) is allowed


def test_rules_for_our_name_go_before_those_for_all() -> None:
    rules = Robots.read(RULES + "\nUser-agent: Refract\nDisallow: /new\n")
    assert rules.allows("/private/a")
    assert not rules.allows("/new/a")
    assert (rules.delay, Robots.read(RULES).delay) == (0, 2)


@pytest.mark.parametrize(
    "text", ["", "<html>no rules</html>", "Disallow: /", "User-agent: *\nCrawl-delay: x", "\0" * 99]
)
def test_what_says_nothing_allows_all(text: str) -> None:
    assert Robots.read(text).allows("/a")


def test_endless_rules_wait_no_longer_than_ten_seconds_and_match_in_time() -> None:
    rules = Robots.read(f"User-agent: *\nCrawl-delay: 86400\nDisallow: /{'*a' * 5000}b")
    assert rules.delay == 10
    assert rules.allows("/" + "a" * 100_000)
