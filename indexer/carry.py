"""What a new dictionary takes over from the one before: where its features went, and labels by hand.

Saved steering and hand-written labels name features by their numbers in one dictionary. When a build brings a
new one, each old feature is matched to a new one, and what was known of still earlier dictionaries is carried
on, so that they may be dropped.
"""

from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import NDArray
from sqlalchemy import case, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, aliased

from indexer.identity import LEAST, Match, match, match_by_direction, match_by_name, match_by_number
from indexer.labels.judge import Judge
from indexer.labels.lines import HAND, OFFLINE
from indexer.labels.material import lineage, live_and_own, lock_dictionaries
from indexer.progress import Reporter
from search.dictionary import NAMED, Dictionary
from search.embedder import Embedder
from search.labels import Label
from search.models import Feature, FeatureMatch, Generation
from search.stored import read_embeddings

LOST_LABELS = "lost_labels"


@dataclass(frozen=True)
class LostLabel:
    """A label by hand that has no feature in the new dictionary; `feature` is its number in `dictionary`."""

    dictionary: int
    feature: int
    label: str


def carry_over(
    session: Session, generation: Generation, dictionary: Dictionary, embedder: Embedder, reporter: Reporter
) -> list[LostLabel]:
    """Carries matches and labels by hand from the live dictionary to the generation's own, if it has another.

    Gives the labels that have no feature any more; the new dictionary's card lists them under `lost_labels`,
    after those lost earlier. Doing it twice does the same as once.
    """
    old, new = live_and_own(session, generation)
    if old is None or old.id == new.id:
        return []
    number, earlier_lost = old.id, old.card.get(LOST_LABELS, [])
    with reporter.step("carrying over"):
        x_ND = read_embeddings(session, generation.id)
        by_hand = _by_hand(session, number)
        earlier = Dictionary.from_bytes(old.weights, old.card)
        one_origin = lineage(old.card) == lineage(new.card)
        session.commit()  # the work is long: no transaction stays open
        matches = _match(earlier, dictionary, one_origin=one_origin, x_ND=x_ND)
        went = {found.old: found.feature for found in matches if found.feature is not None}
        carried = {went[feature]: label for feature, label in by_hand.items() if feature in went}
        gone = sorted(by_hand.keys() - went.keys())
        lost = [LostLabel(number, feature, by_hand[feature].text) for feature in gone]
        scores = _scores(carried, x_ND, dictionary, embedder)
        _store_matches(session, number, new.id, matches)
        for feature, label in carried.items():
            _write_label(session, new.id, feature, label, scores[feature])
        new.card = {**new.card, LOST_LABELS: [*earlier_lost, *map(asdict, lost)]}
        session.commit()
    return lost


def carry_late_edits(session: Session, generation: Generation) -> list[LostLabel]:
    """Carries what was written by hand, or taken back, since `carry_over`: part of the transaction that makes
    the generation live. Edits wait for its end, so that none is lost. Gives the labels lost since then."""
    lock_dictionaries(session, generation.collection_id)
    old, new = live_and_own(session, generation)
    if old is None or old.id == new.id:
        return []
    pair = (FeatureMatch.old_dictionary == old.id, FeatureMatch.dictionary_id == new.id)
    went = {row.old_feature: row.feature for row in session.scalars(select(FeatureMatch).where(*pair))}
    by_hand, there = _by_hand(session, old.id), _by_hand(session, new.id)
    lost: list[LostLabel] = []
    for feature, label in by_hand.items():
        target = went.get(feature)
        if target is None:
            lost.append(LostLabel(old.id, feature, label.text))
        elif target not in there or there[target].text != label.text:
            _write_label(session, new.id, target, label, None)
    taken_back = there.keys() - {went.get(feature) for feature in by_hand}
    gone = (Feature.dictionary_id == new.id, Feature.feature.in_(taken_back))
    if new.card["training"].get("way") == NAMED:  # the name stands again
        session.execute(delete(Feature).where(*gone))
    else:
        unlabelled = {"label": "", "score": None, "reliable": False, "origin": OFFLINE, "before": None}
        session.execute(update(Feature).where(*gone).values(**unlabelled))
    known = new.card.get(LOST_LABELS, [])
    lost = [each for each in lost if asdict(each) not in known]
    new.card = {**new.card, LOST_LABELS: [*known, *map(asdict, lost)]}
    return lost


def _by_hand(session: Session, dictionary: int) -> dict[int, Label]:
    """The labels by hand of a dictionary, by feature."""
    wanted = select(Feature).where(Feature.dictionary_id == dictionary, Feature.origin == HAND)
    return {
        row.feature: Label(row.label, row.score, row.reliable, row.origin) for row in session.scalars(wanted)
    }


def _match(old: Dictionary, new: Dictionary, *, one_origin: bool, x_ND: NDArray[Any]) -> list[Match]:
    if old.names and new.names:
        return match_by_name(old, new)
    if old.card.model != new.card.model:  # another vector space: nothing can be compared
        return [Match(feature, None, 0.0) for feature in range(old.features)]
    if old.names or new.names:
        return match_by_direction(old, new)
    return match_by_number(old, new) if one_origin else match(old, new, x_ND)


def _scores(
    labels: dict[int, Label], x_ND: NDArray[Any], dictionary: Dictionary, embedder: Embedder
) -> dict[int, float | None]:
    """How well labels hold for their new features; None where it cannot be tested."""
    if not labels:
        return {}
    acts_NF = dictionary.encode(x_ND).matrix(dictionary.features)
    judge = Judge(x_ND, acts_NF, dictionary, embedder.encode)
    tested = judge.score({feature: label.text for feature, label in labels.items()})
    return {feature: label.score for feature, label in tested.items()}


def _store_matches(session: Session, old: int, new: int, matches: list[Match]) -> None:
    """The matches old → new, and from them those of all that went to `old`."""
    session.execute(delete(FeatureMatch).where(FeatureMatch.dictionary_id == new))
    rows = [
        {
            "dictionary_id": new,
            "old_dictionary": old,
            "old_feature": found.old,
            "feature": found.feature,
            "confidence": found.confidence,
        }
        for found in matches
    ]
    session.execute(insert(FeatureMatch), rows)
    first, second = aliased(FeatureMatch), aliased(FeatureMatch)
    product = func.coalesce(first.confidence * second.confidence, 0.0)
    alike = product >= LEAST
    composed = (
        select(
            literal(new),
            first.old_dictionary,
            first.old_feature,
            case((alike, second.feature)),
            case((alike, product), else_=0.0),
        )
        .outerjoin(
            second,
            (second.dictionary_id == new)
            & (second.old_dictionary == old)
            & (second.old_feature == first.feature),
        )
        .where(first.dictionary_id == old)
    )
    columns = ["dictionary_id", "old_dictionary", "old_feature", "feature", "confidence"]
    session.execute(insert(FeatureMatch).from_select(columns, composed))


def _write_label(session: Session, dictionary: int, feature: int, old: Label, score: float | None) -> None:
    values = {"label": old.text, "score": score, "reliable": True, "origin": HAND, "before": old.score}
    row = upsert(Feature).values(dictionary_id=dictionary, feature=feature, **values)
    session.execute(row.on_conflict_do_update(index_elements=["dictionary_id", "feature"], set_=values))
