"""Says where a document is from, by a few telling fields of its metadata.

Shape suffixes: A values of one field.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from search.filtering.doc_values import DocValues
from search.filtering.field_values import DATE, TEXT, FieldValues
from search.query.parser import TITLE
from search.responses.search import Fact, Result

TOLD = 4
LOOKED_AT = 12
LONGEST_TOLD = 60
SEVERAL_TOLD = 2

USUAL = ("path", "folder", "kind", "type", "format", "package", "source", "section", "author", "date", "year")
"""Fields that people look for first, in this order; then other dates, then texts of few values."""


def familiarity(field: str) -> int:
    """Gives the place of a field among those that people look for first, behind them where it is none."""
    return USUAL.index(field) if field in USUAL else len(USUAL)


def with_facts(results: list[Result], doc_values: DocValues, documents: NDArray[np.int64]) -> list[Result]:
    """Says of each result where its document (a row id) is from."""
    fields = _telling(doc_values)[:LOOKED_AT]
    return [
        replace(result, facts=[*_facts(fields, doc_values.numbers_of(document))][:TOLD])
        for result, document in zip(results, documents.tolist(), strict=True)
    ]


def _telling(doc_values: DocValues) -> list[tuple[str, FieldValues]]:
    """Picks the fields that tell documents apart and say something to people, the most telling first."""

    def place(name: str) -> tuple[int, bool, int, str]:
        return familiarity(name), DATE not in doc_values.kinds[name], len(doc_values.fields[name].texts), name

    fit = [
        name
        for name, values in doc_values.fields.items()
        if name != TITLE
        and len(values.texts) > 1
        and (name in USUAL or doc_values.kinds[name] & {DATE, TEXT})
    ]
    return [(name, doc_values.fields[name]) for name in sorted(fit, key=place)]


def _facts(fields: Sequence[tuple[str, FieldValues]], numbers: NDArray[np.int64]) -> Iterator[Fact]:
    """Gives the values of one document, given by their numbers; of a path the whole one."""
    for name, values in fields:
        own = [values.texts[at] for at in np.flatnonzero(np.isin(values.number_A, numbers))]
        told = sorted((text for text in own if len(text) <= LONGEST_TOLD), key=len, reverse=True)
        if told:
            yield Fact(name, ", ".join(told[: 1 if name == "path" else SEVERAL_TOLD]))
