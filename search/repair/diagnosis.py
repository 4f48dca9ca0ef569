"""Says why a document does not stand first for a question, and which repairs would help, each tried."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from search.engine.reader import Reader
from search.errors import InvalidRequest
from search.explain.compare import Places, margins, passages_of, result_of, seen_in
from search.query.limits import check_query
from search.query.repairs import Repair
from search.query.request import SearchRequest
from search.repair.applied import with_repair
from search.repair.checks import checked
from search.repair.offers import offers
from search.repair.rewritten import DEEP, rewritten
from search.repair.trial import Outcome, known_questions, try_repairs
from search.responses.repairs import Diagnosis, TriedRepair


def diagnose(reader: Reader, question: str, document: str, own: Sequence[Repair] = ()) -> Diagnosis:
    """Explains a search that has no steering of its own: what stands before a document (its id), and what
    would put it right. `own` are repairs that somebody wants to be tried besides.

    Raises:
        DocumentNotFound: there is no such document, or it has no text to be searched.
        InvalidQuery, InvalidRequest, InvalidSteering: the question, or one of those repairs cannot be used.
    """
    check_query(question)
    given = [checked(reader, repair) for repair in own]
    snapshot, prepared = reader.snapshot, reader.prepare(SearchRequest(question))
    passages = passages_of(reader.session, snapshot, [document])[document]
    places = Places.of(prepared)
    number = int(snapshot.document_N[passages[0]])
    rank = places.rank.get(number)
    first = snapshot.passages_of(int(places.ranking.documents[0])) if places.rank else passages
    seen = seen_in(prepared, [passages, first])
    result = result_of(reader, prepared, passages, places, seen)
    best = None if rank == 1 or not places.rank else result_of(reader, prepared, first, places, seen)
    parted = margins(result, best) if best else []
    likely = offers(reader, prepared, passages, result, parted) if best and rank else []
    tried = [*given, *_possible(reader, likely)]
    tried = [repair for repair in dict.fromkeys(tried) if repair not in snapshot.repairs.saved]
    ranks = [_rank(reader, repair, question, number) for repair in tried]
    trial = try_repairs(reader, tried, known_questions(reader, question))
    found = [
        replace(told(reader, repair, rank_after, outcome), own=repair in given)
        for repair, rank_after, outcome in zip(tried, ranks, trial.outcomes, strict=True)
    ]
    helps = [each for each in found if each.own or _is_better(each.rank, rank)]
    return Diagnosis(
        query=question,
        collection=snapshot.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        result=result,
        first=best,
        lacks=[each for each in parted if each.margin < 0],
        has=[each for each in parted if each.margin > 0],
        offers=sorted(helps, key=lambda each: (not each.own, each.rank or DEEP + 1)),
        useless=[each for each in found if each not in helps],
        questions=trial.questions,
        judged=trial.known,
        asked=trial.asked,
        rewritten=rewritten(reader, prepared, number, _missing(likely)) if likely else [],
    )


def _missing(likely: Sequence[Repair]) -> Sequence[str]:
    """Gives the words that a document would need to say, by the keywords that are likely to help."""
    return next((repair.words for repair in likely if repair.kind == "keyword"), ())


def told(reader: Reader, repair: Repair, rank: int | None, outcome: Outcome) -> TriedRepair:
    """Describes a repair with what came of it."""
    return TriedRepair(
        kind=repair.kind,
        question=repair.question,
        document=repair.document,
        words=list(repair.words),
        feature=repair.feature,
        label=label_of(reader, repair),
        strength=repair.strength,
        rank=rank,
        better=outcome.better,
        worse=len(outcome.lost),
        same=outcome.same,
        difference=outcome.difference,
        lost=outcome.lost,
        moved=outcome.moved,
    )


def label_of(reader: Reader, repair: Repair) -> str:
    """Names the feature of a repair, "" where it has none."""
    return "" if repair.feature is None else reader.snapshot.labels[repair.feature].shown


def _rank(reader: Reader, repair: Repair, question: str, document: int) -> int | None:
    """Ranks a document (its row id) as it would be with a repair."""
    reader.breathe()
    prepared = with_repair(reader, repair).prepare(SearchRequest(question))
    return prepared.rank(DEEP).ranks.get(document)


def _possible(reader: Reader, repairs: Sequence[Repair]) -> Iterator[Repair]:
    """Gives repairs as they would be kept, without those that would be refused."""
    for repair in repairs:
        with suppress(InvalidRequest):
            yield checked(reader, repair)


def _is_better(after: int | None, before: int | None) -> bool:
    return after is not None and (before is None or after < before)
