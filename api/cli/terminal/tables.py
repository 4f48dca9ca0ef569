"""Answers are printed as tables on the terminal."""

import re
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from api.cli.terminal.output import console, output
from api.views.excerpts import Run, Stretch, excerpt
from api.views.numbers import lost_name, ranges
from search.presentation.facets import FIRST, MOST_LISTED
from search.responses.explanations import Comparison, Margin, WhyNot
from search.responses.features import Refinement
from search.responses.search import Facets, LostKnob, Reading, Result, SearchResponse, Term
from search.responses.words import TextAnalysis

SHOWN_CHARACTERS = 160
TERMS_SHOWN = 4
MARGINS_SHOWN = 15


def print_results(response: SearchResponse) -> None:
    """Prints a table of results with the largest terms of each score; lit words stand between asterisks."""
    table = Table(show_header=True, header_style="bold", expand=True)
    for heading in ("#", "score", "document", "because"):
        table.add_column(heading, overflow="fold")
    for result in response.results:
        table.add_row(_rank(result), f"{result.score:.3f}", _document(result), _because(result))
    print_lost(response.steering_lost)
    if response.spelling is not None:
        _print_spelling(response)
    _print_readings(response.readings)
    for name in response.no_fields:
        console.print(f"{name} is no field of these documents: {name}:… is searched as words.", markup=False)
    if response.parts > 1:
        console.print(
            f"The question is longer than the model reads: it was embedded in {response.parts} parts."
        )
    if response.weak:
        console.print("Nothing here is really about this; what is nearest:")
    if response.preset:
        console.print(f"Steered by the preset {response.preset}.", markup=False)
    output.print(table)
    if response.facets is not None:
        _print_facets(response.facets)
    output.print(
        f"{response.took_ms.total:.0f} ms, generation {response.generation} of {response.collection}"
    )


def _print_spelling(response: SearchResponse) -> None:
    assert response.spelling is not None
    meant = response.spelling
    if meant.used:
        told = f"Showing results for {meant.query}; search instead for {response.query} with --as-typed."
    else:
        told = f"Did you mean {meant.query}?"
    console.print(told, markup=False)


def _print_readings(readings: list[Reading]) -> None:
    """Prints a line for each word behind a minus that can be meant in two ways, with the other one."""
    for reading in readings:
        if reading.excluded:
            told = f"Left out: documents with “{reading.word}”; with it: {reading.query}"
        else:
            told = f"“-{reading.word}” is one of the words; without it: {reading.query}"
        console.print(told, markup=False)


def _print_facets(facets: Facets) -> None:
    """Prints what the answers can be narrowed down to: filters, what each leaves, how many of the first have
    it."""
    table = Table("narrow with --filter", "documents", f"of the first {FIRST}", show_header=True)
    for facet in facets.fields:
        for value in facet.values:
            table.add_row(_plain(value.filter), f"{value.documents:,}", f"{value.top:,}")
        if facet.total > len(facet.values):
            more = "" if len(facet.values) >= MOST_LISTED else f": --values-of {facet.field}"
            table.add_row(_plain(f"… {facet.total:,} in all{more}"), "", "")
    for topic in facets.topics:
        about = f"{topic.filter}  {_plain(topic.label)}"
        table.add_row(about, f"{topic.documents:,}", f"{topic.top:,}")
    output.print(table)


def print_lost(lost: list[LostKnob]) -> None:
    """Prints a line for each knob that was left out, with the reason."""
    for knob in lost:
        console.print(f"Left out {lost_name(knob)}: {knob.reason}", markup=False)


def print_analysis(found: TextAnalysis, text: str) -> None:
    """Prints the features of a text as knobs, then each sentence with its own."""
    if found.analysed < found.characters:
        console.print(f"The first {found.analysed:,} of {found.characters:,} characters were analysed.")
    table = Table(show_header=True, header_style="bold")
    for heading in ("knob", "share", "topic"):
        table.add_column(heading, overflow="fold")
    for each in found.features:
        table.add_row(f"{each.feature}:{each.strength:.1f}", f"{each.share:.1%}", Text(each.label))
    output.print(table)
    for sentence in (sentence for passage in found.passages for sentence in passage.sentences):
        line = Text(" ".join(text[sentence.start : sentence.end].split()))
        fires = "; ".join(f"{each.label} {each.activation:.2f}" for each in sentence.features)
        output.print(line, Text(f"  {fires}\n", style="dim"), sep="\n")


def _rank(result: Result) -> str:
    before, now = result.rank_unsteered, result.rank
    if before is None or now is None or before == now:
        return str(now or "–")
    return f"{now} {'▲' if before > now else '▼'}{abs(before - now)}"


def _runs(shown: list[Stretch]) -> Iterator[Run]:
    for stretch in shown:
        yield from (run for piece in stretch.pieces for run in piece.runs)
        yield Run(" ")


def _document(result: Result) -> Text:
    shown = Text(f"{result.document.title}\n")
    for run in _runs(excerpt(result.passage, result.document.title, SHOWN_CHARACTERS)):
        text = re.sub(r"\s+", " ", run.text)
        shown.append(f"*{text}*" if run.names else text, style="bold" if run.names else "")
    if result.copies:
        shown.append(f"\nand {len(result.copies)} like it (rank {ranges(result.copy_ranks)})", style="dim")
    return shown


def _because(result: Result) -> str:
    return "\n".join(f"{term.value:+.3f} {_plain(_named(term))}" for term in result.terms[:TERMS_SHOWN])


def _named(term: Term | Margin) -> str:
    """Names a term as the pages do: words in quotation marks, so that none reads as the topic of its name."""
    return f"“{term.word}”" if term.kind == "word" else term.label


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def print_comparison(found: Comparison) -> None:
    """Prints two documents, and the terms that part them most."""
    print_lost(found.steering_lost)
    for result in (found.first, found.second):
        output.print(Text(_standing(result)))
    _print_margins(found.terms, "first", "second")
    output.print(f"In all {found.margin:+.3f}.")


def print_absence(found: WhyNot) -> None:
    """Prints where a document stands, what it lacks, and what would bring it up."""
    print_lost(found.steering_lost)
    output.print(Text(_standing(found.result)))
    if found.excluded_by:
        named = ", ".join(
            f"{'without' if each.without else 'with'} {each.filter or each.phrase!r}"
            for each in found.excluded_by
        )
        output.print(f"The search leaves it out: only documents {named}.", markup=False)
    elif found.last is None:
        output.print(f"It is among the first {found.wanted}.")
    else:
        _print_margins(found.lacks, "this", f"rank {found.wanted}")
        for way in found.ways:
            named = ", ".join(f"{term.label} {term.strength:+g}" for term in way.added)
            output.print(f"--steer {way.steer}  to rank {way.rank}: {named}", markup=False, soft_wrap=True)
        for wording in found.wordings:
            output.print(f"{wording.query!r}  to rank {wording.rank}", markup=False, soft_wrap=True)
        if not found.ways:
            output.print(f"No steering by its topics brings it among the first {found.wanted}.")


def print_refinement(found: Refinement) -> None:
    """Prints a table of features, and the steering that says the same."""
    table = Table("feature", "label", "difference", "strength", header_style="bold")
    for each in found.features:
        numbers = f"{each.difference:+.2f}", f"{each.strength:+.1f}"
        table.add_row(str(each.feature), Text(each.label), *numbers)
    output.print(table if found.features else found.note)
    if found.steer:
        output.print(f"--steer {found.steer}", markup=False, soft_wrap=True)


def _standing(result: Result) -> str:
    place = "left out" if result.rank is None else f"rank {result.rank:,}"
    return f"{place}, score {result.score:.3f}: {result.document.title or result.document.id}"


def _print_margins(terms: list[Margin], first: str, second: str) -> None:
    table = Table("term", first, second, "difference", show_header=True, header_style="bold")
    for term in terms[:MARGINS_SHOWN]:
        numbers = (f"{value:+.3f}" for value in (term.first, term.second, term.margin))
        table.add_row(Text(_named(term)), *numbers)
    output.print(table)
    if len(terms) > MARGINS_SHOWN:
        output.print(f"and {len(terms) - MARGINS_SHOWN} smaller ones (--json)")
