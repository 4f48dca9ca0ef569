"""Finds any text's features: over all of it, of each passage and sentence, and down to its words.

With x = b + Σ_f a_f w_f + e a text's unit vector, 1 = ⟨x, x⟩ = Σ_f a_f ⟨w_f, x⟩ + ⟨b, x⟩ + ⟨e, x⟩: the shares
of features, baseline and remainder in what the text means.

Shape suffixes: N passages, S sentences, D embedding width, F features.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.sparse import csr_matrix

from search.db.models import GenerationRow
from search.embedding.embedder import Embedder, embedder_of, splitter_of
from search.embedding.word_sums import WordSums, take_apart
from search.engine.reader import Reader
from search.errors import InvalidQuery
from search.index.agreement import about
from search.index.bm25 import Counts
from search.index.snapshot import Snapshot
from search.query.limits import MAX_QUERY, check_page, is_text
from search.query.parser import COLONS, DASHES, MINUSES, OPENING
from search.query.presets import NONE
from search.query.request import SearchRequest
from search.query.steering import MAX_KNOBS, MAX_STRENGTH, FeatureTarget, Knob, Steering
from search.responses.documents import ActiveFeature
from search.responses.search import Span
from search.responses.words import FeatureWords, TextAnalysis, TextFeature, TextPassage, TextSentence

MAX_ANALYSED = 16_000
OF_PASSAGE = 8  # so many features are named for a passage
OF_SENTENCE = 3  # so many features are named for a sentence
WITH_WORDS = 5
AS_TEXT = [
    (re.compile(f"[{OPENING}]"), "'"),
    (re.compile(rf"(?<!\S)[{MINUSES}{DASHES}]+(?=\w)"), "– "),
    (re.compile(rf"(?<!\S)([^\W\d][\w.-]*)[{COLONS}](?=\S)"), r"\1: "),
]
"""Maps what the parser takes for a phrase, an exclusion or a field to how it is written as plain text."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Taken:
    """Holds a text taken apart: its passages, their vectors, their features."""

    text: str
    spans: list[Span]
    x_ND: FloatArray
    acts_NF: csr_matrix
    parts: list[WordSums]


def analyze(reader: Reader, text: str, *, limit: int = 20) -> TextAnalysis:
    """Finds the features of a text in a collection's dictionary, the strongest `limit` of them.

    Of a long text the first 16,000 characters are analysed, to the end of a word.

    Raises:
        InvalidQuery: nothing but white space, no letter or digit, or not text.
        InvalidPage: the limit is not 1 to 100.
    """
    check_text(text)
    check_page(limit, 0)
    snapshot = reader.snapshot
    analysed = beginning(text, MAX_ANALYSED)
    check_text(analysed)
    embedder = embedder_of(snapshot.space)
    taken = take(reader, embedder, analysed, passages_of(reader, embedder, analysed))
    share_F, baseline, remainder = _shares(snapshot, taken)
    mean_F = np.asarray(taken.acts_NF.mean(axis=0)).ravel()
    order = np.argsort(-mean_F, kind="stable")[: np.count_nonzero(mean_F)]
    chosen = order[:limit].tolist()
    passages = []
    for row in range(len(taken.spans)):
        passages.append(_passage(snapshot, taken, row, chosen[:WITH_WORDS]))
        reader.breathe()
    return TextAnalysis(
        collection=reader.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        characters=len(text),
        analysed=len(analysed),
        query=as_query(text),
        total=len(order),
        features=_features(snapshot, taken, chosen, share_F),
        baseline=baseline,
        remainder=remainder,
        passages=passages,
    )


def strengths(reader: Reader, text: str) -> FloatArray:
    """Computes how strongly a text fires each feature of the collection's dictionary (F,).

    Raises:
        InvalidQuery: nothing but white space, no letter or digit, or not text.
    """
    check_text(text)
    embedder = embedder_of(reader.snapshot.space)
    taken = take(reader, embedder, text, passages_of(reader, embedder, text))
    return strengths_of(reader.snapshot, taken.acts_NF)


def strengths_of(snapshot: Snapshot, acts_NF: csr_matrix) -> FloatArray:
    """Computes the strength of each feature (F,) from activations of a text's passages: 1 is as much as in
    texts that are really about it; where nothing here is, as much as is usual of other features."""
    mean_F, scale_F = np.asarray(acts_NF.mean(axis=0)).ravel(), snapshot.scale_F
    usual = float(np.median(scale_F[scale_F > 0])) if scale_F.any() else 1.0
    strength_F = mean_F / np.where(scale_F > 0, scale_F, usual)
    return np.asarray(strength_F.clip(0, MAX_STRENGTH), dtype=np.float32)


def only(reader: Reader, query: str, kept: list[int]) -> Steering:
    """Makes steering that takes every feature out of a question but those to keep; the strongest 50 at most.

    Raises:
        InvalidQuery: the question cannot be searched with.
    """
    active = reader.prepare(SearchRequest(query, preset=NONE)).asked.question.active
    others = [feature for feature in active if feature not in kept]
    return Steering(tuple(Knob("off", FeatureTarget(feature)) for feature in others[:MAX_KNOBS]))


def as_query(text: str) -> str:
    """Keeps as much of a text as can be searched with, without what would restrict the results."""
    for sign, instead in AS_TEXT:
        text = sign.sub(instead, text)
    return beginning(" ".join(text.split()), MAX_QUERY)


def beginning(text: str, size: int) -> str:
    """Cuts a text to at most `size` characters, where there is white space if that is near."""
    if len(text) <= size:
        return text
    cut = next(iter(text[: size + 1].rsplit(maxsplit=1)), "")
    return cut if size // 2 < len(cut) <= size and text.startswith(cut) else text[:size]


def check_text(text: str) -> None:
    """Refuses what has no meaning to analyse.

    Raises:
        InvalidQuery: it is empty, has no letter or digit, or is not text.
    """
    if not text.strip():
        raise InvalidQuery("The text is empty.", hint="Paste a sentence or a paragraph.")
    if not is_text(text):
        raise InvalidQuery("The text holds characters that are not text.", hint="Remove NUL and surrogates.")
    if not any(map(str.isalnum, text)):
        raise InvalidQuery(f"The text {text[:40]!r} has no letter or digit.", hint="Paste a sentence.")


def passages_of(reader: Reader, embedder: Embedder, text: str) -> list[Span]:
    recipe = reader.session.get_one(GenerationRow, reader.snapshot.generation).recipe
    return splitter_of(embedder, recipe.passage_tokens).split(text)


def take(reader: Reader, embedder: Embedder, text: str, spans: list[Span]) -> Taken:
    texts = [text[span.start : span.end] for span in spans]
    parts = take_apart(embedder, [("", passage) for passage in texts], reader.breathe)
    x_ND = np.array([part.vector() for part in parts])  # and not embedded once more
    acts_NF = about_what(reader.snapshot, x_ND, texts)
    return Taken(text=text, spans=spans, x_ND=x_ND, acts_NF=acts_NF, parts=parts)


def about_what(snapshot: Snapshot, x_ND: FloatArray, texts: list[str]) -> csr_matrix:
    """Finds the activations (N, F) of what texts are about, of features that say something here."""
    dictionary = snapshot.dictionary
    acts_NF = about(dictionary.encode(x_ND).matrix(dictionary.features), Counts.of(texts), dictionary)
    holds_F = np.array([label.reliable for label in snapshot.labels], dtype=np.float32)
    shown_NF = csr_matrix(acts_NF.multiply(holds_F))
    shown_NF.eliminate_zeros()
    return shown_NF


def _shares(snapshot: Snapshot, taken: Taken) -> tuple[FloatArray, float, float]:
    """Computes the share of each feature (F,), of the baseline and of the remainder, means over the
    passages."""
    dictionary, x_ND = snapshot.dictionary, taken.x_ND
    acts_NF = taken.acts_NF
    share_F = np.zeros(dictionary.features, np.float32)
    for row in range(acts_NF.shape[0]):
        ids = acts_NF[row].indices
        rows_TD = dictionary.w_dec_FD[ids]
        if len(ids):  # together they are no more than the text
            weights_T, _ = nnls(rows_TD.T.astype(np.float64), (x_ND[row] - dictionary.b_D).astype(np.float64))
            share_F[ids] += weights_T.astype(np.float32) * (rows_TD @ x_ND[row])
    size = float((x_ND**2).sum())
    baseline = float((x_ND @ dictionary.b_D).sum()) / size
    share_F /= size
    return share_F, baseline, 1.0 - baseline - float(share_F.sum())


def _features(snapshot: Snapshot, taken: Taken, chosen: list[int], share_F: FloatArray) -> list[TextFeature]:
    columns = taken.acts_NF[:, chosen].toarray().T
    return [
        _feature(snapshot, feature, column_N, float(share_F[feature]))
        for feature, column_N in zip(chosen, columns, strict=True)
    ]


def _feature(snapshot: Snapshot, feature: int, acts_N: FloatArray, share: float) -> TextFeature:
    label, activation = snapshot.labels[feature], float(acts_N.mean())
    return TextFeature(
        feature=feature,
        label=label.shown,
        label_score=label.score,
        reliable=label.reliable,
        activation=activation,
        maximum=float(acts_N.max()),
        strength=_strength(activation, float(snapshot.scale_F[feature])),
        share=share,
        passages=int(np.count_nonzero(acts_N)),
    )


def _strength(activation: float, scale: float) -> float:
    return min(activation / scale, MAX_STRENGTH) if scale else 0.0


def _passage(snapshot: Snapshot, taken: Taken, row: int, lit: list[int]) -> TextPassage:
    span, parts = taken.spans[row], taken.parts[row]
    return TextPassage(
        start=span.start,
        end=span.end,
        features=_active(snapshot, _strongest(taken.acts_NF[row], OF_PASSAGE)),
        sentences=_sentences(snapshot, taken.text, span, parts),
        by=parts.by,
        words=[_moved(word, span) for word in parts.spans],
        word_values=_word_values(snapshot, taken, row, lit),
    )


def _sentences(snapshot: Snapshot, text: str, span: Span, parts: WordSums) -> list[TextSentence]:
    """Finds each sentence's own features: those of the sum of its parts."""
    x_SD = parts.by_sentence()
    sentences = [_moved(sentence, span) for sentence in parts.sentences]
    texts = [text[sentence.start : sentence.end] for sentence in sentences]
    acts_SF = about_what(snapshot, x_SD, texts) if texts else csr_matrix((0, 0))
    strongest = [
        _strongest(acts_SF[row], OF_SENTENCE) if x_SD[row].any() else {} for row in range(len(texts))
    ]
    return [
        TextSentence(sentence.start, sentence.end, _active(snapshot, active))
        for sentence, active in zip(sentences, strongest, strict=True)
    ]


def _strongest(active_1F: csr_matrix, most: int) -> dict[int, float]:
    """Picks the features of a text that are most active, the strongest first."""
    order = np.argsort(-active_1F.data, kind="stable")[:most]
    return dict(zip(active_1F.indices[order].tolist(), active_1F.data[order].tolist(), strict=True))


def _word_values(snapshot: Snapshot, taken: Taken, row: int, lit: list[int]) -> list[FeatureWords]:
    encoder, parts = snapshot.dictionary, taken.parts[row]
    value_MP = parts.values(encoder.w_enc_FD[lit])
    total_M = encoder.preactivations(taken.x_ND[row : row + 1], lit)[0]
    elsewhere_M, acts_M = total_M - value_MP.sum(axis=1), taken.acts_NF[row][:, lit].toarray()[0]
    return [
        FeatureWords(
            total=float(total_M[at]),
            elsewhere=float(elsewhere_M[at]),
            values=value_MP[at].tolist(),
            feature=feature,
            activation=float(acts_M[at]),
        )
        for at, feature in enumerate(lit)
    ]


def _active(snapshot: Snapshot, activations: dict[int, float]) -> list[ActiveFeature]:
    return [
        ActiveFeature(feature, snapshot.labels[feature].shown, snapshot.labels[feature].reliable, value)
        for feature, value in activations.items()
    ]


def _moved(part: Span, passage: Span) -> Span:
    """Turns a stretch of a passage into one of the text."""
    return Span(part.start + passage.start, part.end + passage.start)
