"""Questions about somebody or something, each answered by the first paragraph about it in Wikipedia.

Trivia whose answer is the title of one lead exactly, and is not said in the question; nothing asks that the
lead shares a word with it, or holds the answer at all. The other documents are drawn.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.harness.common import read_corpus
from benchmarks.harness.judged import Task
from indexer.sources import SourceDocument

LEADS = 3_000
DEVELOPMENT, REPORTED = "entities, development", "entities"
_ASKS = re.compile(r"\b(?:who|whom|whose|what|which|where|when|how|why)\b", re.IGNORECASE)
_CHOOSES = re.compile(r"\b(?:following|these)\b", re.IGNORECASE)  # from a list that is not there
_ANSWER = " Answer: "


def read_entities(shared: Path, half: str = REPORTED) -> Task:
    """Reads every second question, with all documents."""
    leads = list(read_corpus(shared, "wikipedia_en_leads"))
    often = Counter(lead["title"].lower() for lead in leads)
    number_of = {lead["title"].lower(): number for number, lead in enumerate(leads)}
    asked: dict[str, int] = {}
    for record in read_corpus(shared, "open_trivia"):
        question, _, answer = record["text"].rpartition(_ANSWER)
        name = answer.strip().rstrip(".")
        answered = often[name.lower()] == 1 and _names(name) and name.lower() not in question.lower()
        if answered and _ASKS.search(question) and not _CHOOSES.search(question):
            asked[question] = number_of[name.lower()]
    about = list(dict.fromkeys(asked.values()))
    drawn = np.random.default_rng(0).permutation(len(leads)).tolist()
    numbers = list(dict.fromkeys([*about, *drawn]))[:LEADS]
    documents = [
        SourceDocument(id=leads[at]["id"], title=leads[at]["title"], text=leads[at]["text"]) for at in numbers
    ]
    chosen = list(asked.items())[half == REPORTED :: 2]
    queries = {str(number): question for number, (question, _) in enumerate(chosen)}
    judged = {str(number): {leads[at]["id"]: 1} for number, (_, at) in enumerate(chosen)}
    return Task(documents, queries, judged)


def _names(answer: str) -> bool:
    """Says whether an answer is a name, not a number, a letter or a common noun."""
    return len(answer) > 4 and answer[0].isupper()
