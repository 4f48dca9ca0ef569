"""Examples of the JSON API, for its description: a small library of notes, and what is asked of it."""

from typing import Any

QUESTION = "how do cells divide"
QUESTIONS = [QUESTION]
STEERING = ["123:1.5,45:off,concept:astronomy:-1"]
FILTERS = [["lang:en", "year:1990..2020"]]

SEARCHES: list[Any] = [
    {"q": QUESTION, "collection": "notes", "limit": 5},
    {
        "q": QUESTION,
        "steer": [{"feature": 123, "strength": 1.5}, {"concept": "astronomy", "strength": -1}],
        "filter": ["lang:en", {"field": "year", "least": 1990, "most": 2020}],
        "mode": "semantic",
    },
]
ANALYSES: list[Any] = [{"text": "Cells divide by mitosis.", "limit": 5}]
REFINEMENTS: list[Any] = [{"like": ["notes/1", "notes/3"], "unlike": ["notes/7"]}]
WEBHOOKS: list[Any] = [
    {"url": "https://hooks.example/refract", "kinds": ["job.failed"], "note": "Wakes somebody up"},
    {"url": "https://hooks.example/cache", "kinds": ["generation.live"], "collections": ["notes"]},
]
JUDGEMENTS: list[Any] = [
    {
        "collection": "notes",
        "judgements": [
            {"question": QUESTION, "document": "notes/1", "grade": 1},
            {"question": QUESTION, "document": "notes/7", "grade": 0},
        ],
    }
]
REPAIRS: list[Any] = [
    {"collection": "notes", "kind": "pinned", "question": QUESTION, "document": "notes/1"},
    {"collection": "notes", "kind": "same_words", "words": ["copy", "duplicate"]},
]
WRITES: list[Any] = [
    {
        "collection": "notes",
        "documents": [
            {
                "id": "notes/1",
                "title": "Mitosis",
                "text": "Cells divide by mitosis.",
                "url": "https://notes.example/1",
                "meta": {"lang": "en", "year": 2019},
            }
        ],
    }
]
WRITTEN: list[Any] = [{"added": 1, "changed": 0, "unchanged": 0, "failures": []}]
ERRORS: list[Any] = [
    {
        "error": {
            "code": "collection_not_found",
            "message": "There is no collection 'note'.",
            "hint": "There are: notes.",
        }
    }
]

# FastAPI leaves null out of a description, so no field is null here.
SEARCH_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {
                "example": {
                    "query": QUESTION,
                    "restrictions": [],
                    "mode": "hybrid",
                    "collection": "notes",
                    "generation": 7,
                    "dictionary": 3,
                    "took_ms": {
                        "embed": 12.4,
                        "wait": 0.0,
                        "search": 3.1,
                        "explain": 1.2,
                        "texts": 0.6,
                        "words": 0.0,
                        "facets": 0.0,
                        "total": 17.3,
                    },
                    "total": 42,
                    "limit": 1,
                    "offset": 0,
                    "moved": 0.97,
                    "query_features": [
                        {"feature": 213, "label": "cell", "label_score": 1.0, "activation": 0.62}
                    ],
                    "query_words": [{"word": "divide", "passages": 4}],
                    "preset": "biology",
                    "steering": [{"label": "cell", "strength": 0.5, "feature": 213}],
                    "steering_lost": [],
                    "results": [
                        {
                            "rank": 1,
                            "rank_unsteered": 1,
                            "score": 0.75,
                            "document": {"id": "notes/1", "title": "Mitosis"},
                            "passage": {
                                "id": 90,
                                "text": "Cells divide by mitosis.",
                                "start": 0,
                                "end": 24,
                            },
                            "terms": [
                                {"kind": "feature", "value": 0.33, "label": "cell", "feature": 213},
                                {"kind": "steering", "value": 0.11, "label": "cell", "knob": "213"},
                                {"kind": "word", "value": 0.24, "label": "divide", "word": "divide"},
                                {"kind": "baseline", "value": 0.04, "label": "baseline"},
                                {"kind": "remainder", "value": 0.03, "label": "remainder"},
                            ],
                        }
                    ],
                }
            }
        }
    }
}
