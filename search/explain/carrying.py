"""Which words of a text carry a feature: those without which it would fire less. The text is embedded again
without each of them.

Shape suffixes: N passages, P parts, W words, F features.
"""

from collections import Counter, defaultdict

import numpy as np

from search.browse.features import check_feature
from search.embedding.embedder import Embedder, embedder_of
from search.embedding.words import stems
from search.engine.reader import Reader
from search.explain.analyze import (
    MAX_ANALYSED,
    Taken,
    about_what,
    beginning,
    check_text,
    passages_of,
    strengths_of,
    take,
)
from search.responses.search import Span
from search.responses.words import CarryingWord, CarryingWords

MOST = 8
"""So many words are taken out, those that add most to the feature."""

SEEN = 0.01
"""A word carries a feature if it is weaker by so much without it."""

Places = dict[int, list[Span]]
"""Where a word stands: by passage."""


def carrying_words(reader: Reader, text: str, feature: int) -> CarryingWords:
    """Finds the words of a text that carry a feature; of a long one, of its beginning.

    Raises:
        InvalidQuery: nothing but white space, no letter or digit, or not text.
        FeatureNotFound: there is no such feature.
    """
    check_feature(reader.snapshot, feature)
    check_text(text)
    analysed = beginning(text, MAX_ANALYSED)
    check_text(analysed)
    snapshot, embedder = reader.snapshot, embedder_of(reader.snapshot.space)
    taken = take(reader, embedder, analysed, passages_of(reader, embedder, analysed))
    whole = float(strengths_of(snapshot, taken.acts_NF)[feature])
    without: dict[str, float] = {}
    places = _leading(reader, taken, feature) if whole else {}
    for word, where in places.items():
        without[word] = _without(reader, embedder, taken, where, feature)
        reader.breathe()
    return CarryingWords(
        feature=feature,
        label=snapshot.labels[feature].shown,
        strength=whole,
        by=taken.parts[0].by,
        words=[
            CarryingWord(_said(taken, places[word]), sum(map(len, places[word].values())), without[word])
            for word in sorted(without, key=lambda word: without[word])
            if whole - without[word] >= SEEN
        ],
    )


def _leading(reader: Reader, taken: Taken, feature: int) -> dict[str, Places]:
    """Finds the words that add most to a feature, with all their places."""
    direction_1D = reader.snapshot.dictionary.w_enc_FD[[feature]]
    value: Counter[str] = Counter()
    places: dict[str, Places] = defaultdict(lambda: defaultdict(list))
    for row, parts in enumerate(taken.parts):
        for span, each in zip(parts.spans, parts.values(direction_1D)[0].tolist(), strict=True):
            word = _passage(taken, row)[span.start : span.end].casefold()
            if stems(word):  # one that says nothing carries nothing, though a vector moves without it
                value[word] += each
                places[word][row].append(span)
    return {word: places[word] for word, added in value.most_common(MOST) if added > 0}


def _without(reader: Reader, embedder: Embedder, taken: Taken, where: Places, feature: int) -> float:
    """Computes how strong a feature is in a text without a word."""
    texts = [_passage(taken, row) for row in range(len(taken.spans))]
    for row, spans in where.items():
        for span in sorted(spans, key=lambda span: -span.start):
            texts[row] = f"{texts[row][: span.start]} {texts[row][span.end :]}"
    x_ND = taken.x_ND.copy()
    changed = sorted(where)
    x_ND[changed] = embedder.encode([texts[row] for row in changed]).astype(np.float32)
    return float(strengths_of(reader.snapshot, about_what(reader.snapshot, x_ND, texts))[feature])


def _passage(taken: Taken, row: int) -> str:
    span = taken.spans[row]
    return taken.text[span.start : span.end]


def _said(taken: Taken, where: Places) -> str:
    """Gives a word as it stands first."""
    row = min(where)
    span = where[row][0]
    return _passage(taken, row)[span.start : span.end]
