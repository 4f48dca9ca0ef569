"""Labels taken in: from a file, from a person's hand, from before a relabelling.

There is one way in. A label is tested as the offline ones are, the better of old and new stays, and what was
written by hand always stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from indexer.labels.judge import Judge, is_better
from indexer.labels.lines import HAND, OFFLINE, LabelFile, Proposal, Refusal, clean_label
from indexer.labels.material import Material, lineage, live_and_own, lock_dictionaries
from search.errors import FeatureNotFound, LabelError
from search.labels import NAME, Label, read_labels, unwritten_labels
from search.models import DictionaryRow, Feature, Generation
from search.stored import live_generation, read_dictionary


@dataclass(frozen=True)
class Change:
    """What was, or was not, done to a feature's label. `reason` says why the old one was kept."""

    feature: int
    old: Label
    new: Label
    reason: str = ""


@dataclass(frozen=True)
class ImportReport:
    """What became of the lines of a file."""

    replaced: list[Change]
    kept: list[Change]
    refused: list[Refusal]


def import_labels(
    session: Session, material: Material, judge: Judge, labels: LabelFile, *, dry_run: bool = False
) -> ImportReport:
    """Replaces labels by better ones, in one transaction; with `dry_run` only says which.

    Raises:
        LabelError: no line can be used, or the collection got another dictionary meanwhile.
    """
    if labels.refused and not labels.proposals:
        first = labels.refused[0]
        raise LabelError(
            f"None of the {len(labels.refused)} labels can be used; line {first.line}: {first.reason}.",
            hint='A line is like {"feature": 12, "label": "enzyme kinetics"}.',
        )
    changes = _compared(material.labels, labels.proposals, judge)
    replaced = [change for change in changes if not change.reason]
    kept = [change for change in changes if change.reason]
    if replaced and not dry_run:
        replaced, edited = _store(session, material, replaced)
        kept += edited
        session.commit()
    return ImportReport(replaced, kept, labels.refused)


def set_label(session: Session, material: Material, judge: Judge, feature: int, text: str) -> Change:
    """Writes a label by hand: it stays, whatever its score.

    Raises:
        FeatureNotFound: there is no such feature.
        LabelError: the text is empty, too long, or holds control characters; or the collection got a
            dictionary with other features meanwhile.
    """
    old = _known(material, feature)
    scored = judge.score({feature: clean_label(text)})[feature]
    new = replace(scored, reliable=True, origin=HAND)
    _write_everywhere(session, material, feature, new)
    return Change(feature, old, new)


def clear_label(session: Session, material: Material, feature: int) -> Change:
    """Takes a label by hand away; the feature has none until the collection is labelled anew.

    Raises:
        FeatureNotFound: there is no such feature.
        LabelError: its label was not written by hand; or the collection got a dictionary with other features
            meanwhile.
    """
    old = _known(material, feature)
    if old.origin != HAND:
        raise LabelError(
            f"The label of feature {feature}, {old.text!r}, was not written by hand.",
            hint="Write another one over it, or label the collection anew.",
        )
    new = unwritten_labels(material.dictionary)[feature]
    if not material.dictionary.names:
        new = Label("", None, reliable=False, origin=OFFLINE)
    _write_everywhere(session, material, feature, new)
    return Change(feature, old, new)


def earlier_labels(session: Session, generation: Generation) -> dict[int, Label]:
    """What others than the offline labeller called the features of a generation in the one that is live, if
    its dictionary has the same features. (Labels by hand go another way, see `indexer.carry`.)"""
    live, own = live_and_own(session, generation)
    if live is None or live.id == own.id or lineage(live.card) != lineage(own.card):
        return {}
    labels = enumerate(read_labels(session, live.id, read_dictionary(session, live.id)))
    return {feature: label for feature, label in labels if label.origin not in (HAND, OFFLINE)}


def keep_better(labels: list[Label], earlier: Mapping[int, Label], judge: Judge) -> list[Label]:
    """New labels, but for those whose earlier one does better in the same test."""
    kept = list(labels)
    for feature, scored in judge.score({feature: label.text for feature, label in earlier.items()}).items():
        if is_better(scored, labels[feature]):
            kept[feature] = replace(scored, origin=earlier[feature].origin)
    return kept


def _compared(labels: list[Label], proposals: list[Proposal], judge: Judge) -> list[Change]:
    """For each feature its best proposal against its label, by feature."""
    texts: dict[int, dict[str, str]] = {}
    for proposal in proposals:
        texts.setdefault(proposal.feature, {}).setdefault(proposal.label, proposal.origin)
    chosen = judge.choose({feature: list(known) for feature, known in sorted(texts.items())})
    new = judge.score(chosen)
    old = judge.score({feature: labels[feature].text for feature in chosen})
    return [
        Change(
            feature,
            labels[feature],
            replace(new[feature], origin=texts[feature][text]),
            _reason_to_keep(labels[feature], old[feature], new[feature]),
        )
        for feature, text in chosen.items()
    ]


def _reason_to_keep(label: Label, old: Label, new: Label) -> str:
    """Why a label stays, or "". `old` and `new` come from one test on the passages as they are now."""
    if label.origin == HAND:
        return "it was written by hand"
    if new.text == label.text:
        return "it is the same"
    if is_better(new, old):
        return ""
    if new.score is None:
        return "too few passages to test the new one"
    return "the new one does not hold" if old.score is None else "the new one is not better"


def _known(material: Material, feature: int) -> Label:
    if not 0 <= feature < material.dictionary.features:
        raise FeatureNotFound(
            f"There is no feature {feature}.",
            hint=f"Features are numbered 0 to {material.dictionary.features - 1}.",
        )
    return material.labels[feature]


def _store(session: Session, material: Material, changes: list[Change]) -> tuple[list[Change], list[Change]]:
    """Those stored, and those that were not because somebody wrote a label by hand meanwhile."""
    _lock(session, material)
    if live_generation(session, material.collection).dictionary_id != material.dictionary_id:
        raise LabelError(
            f"The collection {material.collection!r} got other labels while these were tested.",
            hint="Import them again.",
        )
    now = read_labels(session, material.dictionary_id, material.dictionary)
    stored = [change for change in changes if now[change.feature].origin != HAND]
    for change in stored:
        _write(session, material, material.dictionary_id, change.feature, change.new)
    edited = [
        replace(change, reason="it was written by hand")
        for change in changes
        if now[change.feature].origin == HAND
    ]
    return stored, edited


def _write_everywhere(session: Session, material: Material, feature: int, label: Label) -> None:
    """Into every labelled dictionary of the collection with the same features, so that an edit outlives a
    rollback, and a build that is about to go live."""
    same = _lock(session, material)
    if live_generation(session, material.collection).dictionary_id not in same:
        raise LabelError(
            f"The collection {material.collection!r} got another dictionary meanwhile, with other features.",
            hint="Look up the number of the feature again.",
        )
    for dictionary in same:
        _write(session, material, dictionary, feature, label)
    session.commit()


def _lock(session: Session, material: Material) -> list[int]:
    """The collection's dictionaries with the same features: locked until the transaction ends, and with a new
    version of their labels."""
    rows = lock_dictionaries(session, material.collection_id)
    same = [row.id for row in rows if lineage(row.card) == material.lineage]
    version = DictionaryRow.labels_version + 1
    session.execute(update(DictionaryRow).where(DictionaryRow.id.in_(same)).values(labels_version=version))
    return same


def _write(session: Session, material: Material, dictionary: int, feature: int, label: Label) -> None:
    """A name has a row only where somebody wrote over it. Of learned features nothing is written where the
    dictionary has no labels yet."""
    values = {
        "label": label.text,
        "score": label.score,
        "reliable": label.reliable,
        "origin": label.origin,
        "before": None,
    }
    row = (Feature.dictionary_id == dictionary, Feature.feature == feature)
    if not material.dictionary.names:
        session.execute(update(Feature).where(*row).values(**values))
    elif label.origin == NAME:
        session.execute(delete(Feature).where(*row))
    else:
        written = upsert(Feature).values(dictionary_id=dictionary, feature=feature, **values)
        session.execute(
            written.on_conflict_do_update(index_elements=["dictionary_id", "feature"], set_=values)
        )
