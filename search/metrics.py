"""Counts searches and the work behind them, for who watches this process.

Names end in their base unit. Where several processes serve, each counts in a file of its own, and one of them
tells the sums (`api/monitoring`).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from search import logs
from search.responses.search import SearchResponse

disable_created_metrics()  # type: ignore[no-untyped-call]  # the time since when each series counts would be a series itself
REGISTRY = CollectorRegistry()

MOST_LABELLED = 100
"""So many collections are told apart; the searches of later ones are counted together, as `OTHER`."""

OTHER = "(other)"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
COUNTS = (0, 1, 3, 10, 30, 100)

SEARCHES = Counter(
    "refract_searches",
    "Searches that were answered; steered: by knobs of the request or of a preset.",
    ["collection", "mode", "steered"],
    registry=REGISTRY,
)
WEAK = Counter(
    "refract_searches_weak", "Searches that nothing was really about.", ["collection"], registry=REGISTRY
)
NOWHERE = Counter(
    "refract_searches_words_nowhere",
    "Searches with a word that no passage has.",
    ["collection"],
    registry=REGISTRY,
)
SEARCH_SECONDS = Histogram(
    "refract_search_duration_seconds",
    "Time of a search, waiting for its turn included.",
    buckets=SECONDS,
    registry=REGISTRY,
)
STAGE_SECONDS = Histogram(
    "refract_search_stage_duration_seconds",
    "Time of each stage of a search: wait, embed, search, explain, texts, words, facets.",
    ["stage"],
    buckets=SECONDS,
    registry=REGISTRY,
)
RESULTS = Histogram(
    "refract_search_results", "Results on the page of a search.", buckets=COUNTS, registry=REGISTRY
)
TURNS = Gauge(
    "refract_search_turns",
    "Requests that have a turn, or wait for one.",
    ["queue", "state"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
REFUSED = Counter(
    "refract_refused_turns", "Requests refused because too many waited.", ["queue"], registry=REGISTRY
)
LOOKUPS = Counter(
    "refract_cache_lookups",
    "Looking up what was worked out before.",
    ["cache", "outcome"],
    registry=REGISTRY,
)
EMBEDDED = Counter("refract_embedded_texts", "Texts that a model embedded.", ["kind"], registry=REGISTRY)

_labelled: set[str] = set()


def count_search(answer: SearchResponse, *, again: bool = False, nowhere: bool = False) -> None:
    """Counts one answered search, and notes it with the request at hand; some of its words may be `nowhere`.
    Where it is more of an answer that was counted, given `again`, only its stages count."""
    name, stages = collection_label(answer.collection), vars(answer.took_ms)
    for stage in stages.keys() - {"total"}:
        STAGE_SECONDS.labels(stage).observe(stages[stage] / 1000)
    if not again:
        SEARCHES.labels(name, answer.mode, str(bool(answer.steering)).lower()).inc()
        if answer.weak:
            WEAK.labels(name).inc()
        if nowhere:
            NOWHERE.labels(name).inc()
        SEARCH_SECONDS.observe(answer.took_ms.total / 1000)
        RESULTS.observe(len(answer.results))
    logs.note(
        collection=answer.collection,
        generation=answer.generation,
        mode=answer.mode,
        knobs=len(answer.steering),
        results=len(answer.results),
        stages=stages,
        question=answer.query,
    )


def collection_label(name: str) -> str:
    """Gives the label of a collection: its name, as long as there are not too many."""
    if name in _labelled or len(_labelled) < MOST_LABELLED:
        _labelled.add(name)
        return name
    return OTHER
