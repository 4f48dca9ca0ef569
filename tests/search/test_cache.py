"""A cache keeps what was used last, and is safe to use from several threads."""

from concurrent.futures import ThreadPoolExecutor

from search.cache import LONGEST, LRUCache, of_short_texts


def test_what_was_not_used_for_longest_makes_room() -> None:
    cache: LRUCache[str, int] = LRUCache(2)
    made: list[str] = []

    def value(key: str) -> int:
        def make() -> int:
            made.append(key)
            return len(made)

        return cache.get(key, make)

    assert [value(key) for key in "ababcab"] == [1, 2, 1, 2, 3, 4, 5]
    assert made == ["a", "b", "c", "a", "b"]
    assert len(cache) == 2
    assert cache.known("c") is None


def test_by_size_what_is_too_large_is_not_kept() -> None:
    cache: LRUCache[str, str] = LRUCache(10, len)
    for text in ("aaaa", "bbbb", "cccc", "d" * 11):
        cache.put(text[0], text)
    assert [cache.known(key) for key in "abcd"] == [None, "bbbb", "cccc", None]


def test_what_is_made_of_long_texts_is_not_kept() -> None:
    made: list[str] = []

    @of_short_texts(2)
    def length(text: str) -> int:
        made.append(text)
        return len(text)

    long = "l" * (LONGEST + 1)
    assert [length(text) for text in ("a", "a", long, long)] == [1, 1, len(long), len(long)]
    assert made == ["a", long, long]


def test_many_threads_agree_on_a_value() -> None:
    cache: LRUCache[int, object] = LRUCache(64)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda number: cache.get(number % 64, object), range(2000)):
            pass
    assert all(cache.get(number, object) is cache.known(number) for number in range(64))
