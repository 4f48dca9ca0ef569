"""Says of a repair whether it can be one, before it is tried or saved."""

from dataclasses import replace

from search.dictionary.steer import feature_deltas
from search.embedding.words import stems
from search.engine.concept_resolver import find_documents
from search.engine.reader import Reader
from search.errors import InvalidRequest
from search.explain.compare import passages_of
from search.query.limits import check_query, is_text
from search.query.presets import NONE
from search.query.repairs import Repair
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering
from search.scoring.hybrid import counted_words
from search.scoring.spelling import unknown

MOST_WORDS, MOST_LETTERS = 20, 400
"""Keywords of one repair, and their characters."""


def checked(reader: Reader, repair: Repair) -> Repair:
    """Gives a repair as it is kept.

    Raises:
        InvalidQuery, InvalidRequest, InvalidSteering: the question, the words or the knob cannot be used.
        DocumentNotFound: there is no such document in the collection.
    """
    match repair.kind:
        case "pinned":
            check_query(repair.question)
            return Repair("pinned", question=repair.question.strip(), document=_document(reader, repair))
        case "same_words":
            return Repair("same_words", words=_two_words(reader, repair))
        case "keyword":
            return Repair("keyword", document=_document(reader, repair), words=_keywords(repair))
        case "knob":
            return _knob(reader, repair)


def _document(reader: Reader, repair: Repair) -> str:
    """Gives the id of the document as it is kept."""
    passages_of(reader.session, reader.snapshot, [repair.document])
    found = find_documents(reader.snapshot, [repair.document], reader.session)
    return found[repair.document].external_id


def _two_words(reader: Reader, repair: Repair) -> tuple[str, ...]:
    given = tuple(word.strip() for word in repair.words)
    for word in given:
        if len(stems(word)) != 1 or len(word.split()) != 1 or not is_text(word):
            raise InvalidRequest(
                f"{word[:80]!r} is not one word that searches count.",
                hint="Give two words without blanks or punctuation; words like “the” do not count.",
            )
    if len(given) != 2 or stems(given[0]) == stems(given[1]):
        raise InvalidRequest(
            f"{', '.join(given)[:80]!r} are not two different words.",
            hint="Forms of one word count as each other already.",
        )
    known = reader.snapshot.repairs.known
    nowhere = [stem for word in given for stem in unknown(reader.snapshot.lexicon, stems(word))]
    if len([stem for stem in nowhere if stem not in known]) == 2:
        raise InvalidRequest(
            f"Neither {given[0]!r} nor {given[1]!r} is in any document of {reader.collection!r}.",
            hint="One of them has to be: questions with the other one then find it.",
        )
    return given


def _keywords(repair: Repair) -> tuple[str, ...]:
    text = " ".join(" ".join(repair.words).split())
    words = tuple(counted_words(text).values())
    if not words or len(words) > MOST_WORDS or len(text) > MOST_LETTERS or not is_text(text):
        raise InvalidRequest(
            f"{text[:80]!r} cannot be keywords.",
            hint=f"Give 1 to {MOST_WORDS} words that searches count, {MOST_LETTERS} characters at most.",
        )
    return words


def _knob(reader: Reader, repair: Repair) -> Repair:
    if repair.feature is None or not repair.strength:
        raise InvalidRequest("No feature is turned.", hint="Give a feature and a strength that is not 0.")
    steering = Steering((Knob(repair.strength, FeatureTarget(repair.feature)),))
    translated = reader.translate(SearchRequest("", steering, repair.dictionary, NONE))
    if not translated.steering.features:
        lost = " ".join(each.reason for each in translated.lost)
        raise InvalidRequest(f"The feature {repair.feature} cannot be turned here. {lost}".strip())
    feature_deltas(translated.steering, {}, reader.snapshot.scale_F)  # as a search turns it
    (feature,) = translated.steering.features
    return replace(
        Repair("knob", strength=float(repair.strength)),
        feature=feature,
        dictionary=reader.snapshot.dictionary_id,
    )
