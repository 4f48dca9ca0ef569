"""A new dictionary takes over from the one before where its features went, and labels by hand.

Saved steering and hand-written labels name features by their numbers in one dictionary. When a build brings a
new one, each old feature is matched to a new one, and what was known of still earlier dictionaries is carried
on, so that they may be dropped. Mostly a new dictionary only adds names to the one before: then its card says
that the numbers are the same, and nothing is stored for each feature.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import case, delete, func, insert, literal, select
from sqlalchemy.orm import Session, aliased

from indexer.dictionary.inherit import lock_dictionaries
from indexer.dictionary.matching import LEAST, Match, keeps_numbers, match
from indexer.labels.edit import HAND, clear_label, write_label
from indexer.progress import Reporter
from search.db.card import Alias, LostLabel
from search.db.models import DictionaryRow, FeatureMatchRow, FeatureRow, GenerationRow
from search.dictionary.autoencoder import Dictionary


def carry_over(
    session: Session, generation: GenerationRow, dictionary: Dictionary, reporter: Reporter
) -> list[LostLabel]:
    """Carries matches and labels by hand from the live dictionary to the generation's own, if it has another.

    Gives the labels that have no feature any more; the new dictionary's card lists them under `lost_labels`,
    after those lost earlier. Doing it twice does the same as once.
    """
    old, new = _live_and_own(session, generation)
    if old is None or old.id == new.id:
        return []
    number, card = old.id, old.card
    with reporter.step("carrying over"):
        by_hand = _by_hand(session, number)
        earlier = Dictionary.from_bytes(old.weights, card)
        session.commit()  # the work is long: no transaction stays open
        same = keeps_numbers(earlier, dictionary)
        matches = (
            [Match(feature, feature, 1.0) for feature in by_hand] if same else match(earlier, dictionary)
        )
        places = _places(by_hand, matches)
        gone = sorted(by_hand.keys() - places.keys())
        lost = [LostLabel(dictionary=number, feature=each, label=by_hand[each]) for each in gone]
        aliases = card.aliases
        if same:
            aliases = {
                was: each.model_copy(update={"dictionary": new.id}) if each.dictionary == number else each
                for was, each in aliases.items()
            }
            aliases[number] = Alias(dictionary=new.id, features=earlier.features)
        _store_matches(session, number, new.id, None if same else matches)
        for feature, place in places.items():
            write_label(session, new.id, place, by_hand[feature])
        taken_over = {"aliases": aliases, "lost_labels": (*card.lost_labels, *lost)}
        new.card = new.card.model_copy(update=taken_over)
        session.commit()
    return lost


def carry_late_edits(session: Session, generation: GenerationRow) -> list[LostLabel]:
    """Carries what was written by hand, or taken back, since `carry_over`, within the transaction that makes
    the generation live. Edits wait for its end, so that none is lost. Gives the labels lost since then."""
    lock_dictionaries(session, generation.collection_id)
    old, new = _live_and_own(session, generation)
    if old is None or old.id == new.id:
        return []
    pair = (FeatureMatchRow.old_dictionary == old.id, FeatureMatchRow.dictionary_id == new.id)
    by_hand, there = _by_hand(session, old.id), _by_hand(session, new.id)
    if old.id in new.card.aliases:
        places = {feature: feature for feature in by_hand}
    else:
        rows = session.scalars(select(FeatureMatchRow).where(*pair))
        places = _places(by_hand, (Match(row.old_feature, row.feature, row.confidence) for row in rows))
    for feature, place in places.items():
        if there.get(place) != by_hand[feature]:
            write_label(session, new.id, place, by_hand[feature])
    for taken_back in there.keys() - places.values():
        clear_label(session, new.id, taken_back)
    gone = sorted(by_hand.keys() - places.keys())
    lost = [LostLabel(dictionary=old.id, feature=each, label=by_hand[each]) for each in gone]
    known = new.card.lost_labels
    lost = [each for each in lost if each not in known]
    new.card = new.card.model_copy(update={"lost_labels": (*known, *lost)})
    return lost


def _live_and_own(session: Session, generation: GenerationRow) -> tuple[DictionaryRow | None, DictionaryRow]:
    """Reads the dictionary of the collection's live generation, if there is one, and that of this
    generation."""
    live = session.scalar(
        select(DictionaryRow)
        .join(GenerationRow, GenerationRow.dictionary_id == DictionaryRow.id)
        .where(GenerationRow.collection_id == generation.collection_id, GenerationRow.state == "live")
    )
    return live, session.get_one(DictionaryRow, generation.dictionary_id)


def _by_hand(session: Session, dictionary: int) -> dict[int, str]:
    """Reads the labels by hand of a dictionary, by feature."""
    wanted = select(FeatureRow).where(FeatureRow.dictionary_id == dictionary, FeatureRow.origin == HAND)
    return {row.feature: row.label for row in session.scalars(wanted)}


def _places(by_hand: Mapping[int, str], matches: Iterable[Match]) -> dict[int, int]:
    """Finds where labels by hand go, by their feature; of several that go to one the most alike has it."""
    sources: dict[int, int] = {}
    for found in sorted(matches, key=lambda found: found.confidence):
        if found.feature is not None and found.old in by_hand:
            sources[found.feature] = found.old
    return {feature: place for place, feature in sources.items()}


def _store_matches(session: Session, old: int, new: int, matches: list[Match] | None) -> None:
    """Stores the matches old → new (None: the same numbers), and composes with them those of earlier
    dictionaries whose features went to `old`."""
    session.execute(delete(FeatureMatchRow).where(FeatureMatchRow.dictionary_id == new))
    columns = ["dictionary_id", "old_dictionary", "old_feature", "feature", "confidence"]
    first, second = aliased(FeatureMatchRow), aliased(FeatureMatchRow)
    which = (literal(new), first.old_dictionary, first.old_feature)
    if matches is None:
        went = select(*which, first.feature, first.confidence).where(first.dictionary_id == old)
        session.execute(insert(FeatureMatchRow).from_select(columns, went))
        return
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
    session.execute(insert(FeatureMatchRow), rows)
    product = func.coalesce(first.confidence * second.confidence, 0.0)
    alike = product >= LEAST
    there = (
        (second.dictionary_id == new) & (second.old_dictionary == old) & (second.old_feature == first.feature)
    )
    composed = (
        select(*which, case((alike, second.feature)), case((alike, product), else_=0.0))
        .outerjoin(second, there)
        .where(first.dictionary_id == old)
    )
    session.execute(insert(FeatureMatchRow).from_select(columns, composed))
