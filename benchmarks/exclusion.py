"""This benchmark asks requests with an exclusion in the sentence ("without Denmark") in four ways.

python -m benchmarks.exclusion SHARED_DATA_FOLDER [--strength 2]

The exclusion is split off by these rules: a parenthesis that begins with one of `MARKERS` is cut out; else
what is between the last marker and the end of its sentence. What follows the marker is excluded, the rest is
the topic; what no rule splits is left out and counted. A result *mentions* what was excluded where it has all
of its words (by their stems, without those that say nothing).

Shape suffixes: Q questions, D embedding width.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import embedded_queries, report, table
from benchmarks.harness.judged import read_task, snapshot_of_task
from search.dictionary.concepts import Concept, concept_from_members, members_wanted
from search.embedding.words import stems
from search.evaluation.measures import NDCG_AT_10, bootstrap_interval, measured
from search.scoring.hybrid import counted_words, no_words, word_scores
from search.scoring.ranking import rank

RESULTS = 10
MARKERS = (
    r"but (?:do not|don't|not) (?:mention|include|including|discuss|talk about|cover)(?:ing)?",
    r"(?:but )?(?:please )?(?:do not|don't) (?:mention|include|discuss|talk about|cover|refer to)",
    r"(?:but )?avoid(?:ing)? (?:any )?mention(?:ing)?(?: of)?",
    r"(?:but )?(?:not including|excluding|exclude|except for|except|without|leaving out|ignoring)",
    r"other than|apart from|rather than",
)
MARKER = re.compile(rf"[,;.:]?\s*\b(?:{'|'.join(MARKERS)})\b\s*", re.IGNORECASE)
IN_PARENTHESIS = re.compile(rf"\s*\((?:{'|'.join(MARKERS)})\s+([^()]+)\)", re.IGNORECASE)


def main(shared: Path, strength: float = 2.0) -> None:
    """Measures each way on the same sentences and prints one table."""
    task = read_task(shared / "beir" / "negconstraint")
    snapshot = snapshot_of_task(task)
    parts = {query: split(text) for query, text in task.queries.items()}
    kept = [query for query, found in parts.items() if found]
    topics = [found for found in parts.values() if found]
    sentence_QD = embedded_queries([task.queries[query] for query in kept])
    topic_QD = embedded_queries([topic for topic, _ in topics])
    excluded_QD = embedded_queries([excluded for _, excluded in topics])
    members = members_wanted(snapshot.passages)
    concepts = [
        concept_from_members(excluded, snapshot.index.search(x_D[None], members)[1][0], snapshot.acts_NF)
        for (_, excluded), x_D in zip(topics, excluded_QD, strict=True)
    ]
    stated = [stems(excluded) for _, excluded in topics]
    has = [frozenset(stems(f"{each.title} {each.text}")) for each in task.documents]

    def best(
        vector_D: NDArray[np.float32], text: str, knob: list[tuple[Concept, float]], banned: set[int]
    ) -> list[int]:
        words = word_scores(snapshot.lexicon, list(counted_words(text))) if text else no_words(snapshot)
        allowed_N = ~np.isin(snapshot.document_N, list(banned)) if banned else None
        found = rank(snapshot, vector_D, knob, RESULTS, words, allowed_N).passages[:RESULTS]
        ranking: list[int] = snapshot.document_N[found].tolist()
        return ranking

    ways: dict[str, Callable[[int], list[int]]] = {
        "the sentence, by meaning": lambda at: best(sentence_QD[at], "", [], set()),
        "the sentence, hybrid": lambda at: best(sentence_QD[at], task.queries[kept[at]], [], set()),
        "the topic alone": lambda at: best(topic_QD[at], topics[at][0], [], set()),
        "the topic -phrase": lambda at: best(topic_QD[at], topics[at][0], [], _with(has, stated[at])),
        f"the topic, concept suppressed by {strength:g}": lambda at: best(
            topic_QD[at], topics[at][0], [(concepts[at], -strength)], set()
        ),
    }
    judged = {query: task.judged[query] for query in kept}
    rows, record = [], {}
    for name, way in ways.items():
        found = [way(at) for at in range(len(kept))]
        rankings = {
            query: [task.ids[number] for number in ranking]
            for query, ranking in zip(kept, found, strict=True)
        }
        gains = measured(NDCG_AT_10, rankings, judged)
        mention = [
            sum(set(words) <= has[number] for number in ranking) / max(len(ranking), 1)
            for words, ranking in zip(stated, found, strict=True)
        ]
        low, high = bootstrap_interval(gains)
        rows.append([name, f"{np.mean(gains):.3f} ({low:.3f} to {high:.3f})", f"{np.mean(mention):.1%}"])
        record[name] = {"ndcg": gains, "mention": mention}
    print(f"{len(kept)} of {len(task.queries)} sentences were split.\n")
    report("exclusion", table(["way", "nDCG@10", "of the first ten mention it"], rows), record)


def split(sentence: str) -> tuple[str, str] | None:
    """Splits a request into topic and what is excluded; None if no rule splits it."""
    if inside := IN_PARENTHESIS.search(sentence):
        return (sentence[: inside.start()] + sentence[inside.end() :]).strip(), inside[1].strip(" .?!")
    found = list(MARKER.finditer(sentence))
    if not found:
        return None
    excluded, *rest = re.split(r"(?<=[.?!])\s+", sentence[found[-1].end() :], maxsplit=1)
    topic, excluded = " ".join([sentence[: found[-1].start()], *rest]).strip(), excluded.strip(" .?!()")
    return (topic, excluded) if stems(topic) and stems(excluded) else None


def _with(has: list[frozenset[str]], stated: list[str]) -> set[int]:
    return {number for number, words in enumerate(has) if set(stated) <= words}


if __name__ == "__main__":
    typer.run(main)
