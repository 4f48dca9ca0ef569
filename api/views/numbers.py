"""Numbers, times and states are put in words that people read.

Shown numbers are whole thousandths (`int`), so that sums of shown numbers are exact.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.responses.search import LostKnob

RUNS_SHOWN = 10


def round_to_sum(values: Sequence[float], total: float) -> list[int]:
    """Rounds to thousandths that sum to the rounded `total`: the roundings that were closest to a tie give
    way.

    Each differs from its value by less than one unit, given that `values` sum to `total`.
    """
    units = [round(value * 1000) for value in values]
    gap = round(total * 1000) - sum(units)
    step = 1 if gap > 0 else -1
    by_error = sorted(range(len(values)), key=lambda i: step * (units[i] - values[i] * 1000))
    for i in by_error[: abs(gap)]:
        units[i] += step
    return units


def thousandths(units: int) -> str:
    """Writes `-34` as `−0.034`, with a true minus sign."""
    return f"{'−' if units < 0 else ''}{abs(units) / 1000:.3f}"


def ranges(numbers: Sequence[int]) -> str:
    """Writes numbers as `2–8, 11`; of many stretches the first ones."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [f"{first:,}" if first == last else f"{first:,}–{last:,}" for first, last in runs[:RUNS_SHOWN]]
    return ", ".join(told + ["…"] * (len(runs) > RUNS_SHOWN))


def standing(rank: int | None) -> str:
    """Says at which rank something stands, as a sentence begins: `First`, `Rank 12`."""
    first = ("First", "Second", "Third")
    return first[rank - 1] if rank and rank <= len(first) else f"Rank {rank:,}" if rank else "Left out"


def signed(value: float) -> str:
    """Writes a strength as `+1.5` or `−0.5`."""
    return f"{'−' if value < 0 else '+'}{abs(value):g}"


def met_words(met: str) -> str:
    """Says what a passage says or is of: `its package is numpy`, `numpy is in its id`."""
    field, _, value = met.partition(":")
    return {"id": f"{value} is in its id", "text": f"it says {value}"}.get(field, f"its {field} is {value}")


def share(part: float) -> str:
    """Writes a share of the whole as a percentage that never rounds something to nothing."""
    percent = part * 100
    if percent == 0:
        return "0%"
    return "under 0.1%" if percent < 0.1 else f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"


def duration(seconds: float) -> str:
    """Writes seconds as `40 s`, `3 min` or `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: float) -> str:
    """Writes bytes as `640 kB`, `48 MB` or `1.5 GB`."""
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000 or unit == "GB":
            break
    return f"{count:.1f} {unit}" if count < 9.95 else f"{count:,.0f} {unit}"


def moment(time: datetime) -> str:
    """A time to the second with the zone it is given in: `2026-05-01 14:30:00+02:00`."""
    return time.isoformat(" ", "seconds")


def holds(score: float | None, reliable: bool) -> str:
    """Says how well a label holds, in plain words."""
    if score is None:
        return "not tested"
    if not reliable:
        return "no reliable label"
    return "holds well" if score >= 0.85 else "holds weakly"


def written_by(origin: str) -> str:
    """Says who wrote a label, in plain words."""
    known = {
        "hand": "written by hand",
        "name": "the name it was made from",
        "shipped": "came with the dictionary",
        "offline": "found in the texts",
        "import": "imported",
    }
    return known.get(origin, f"written by {origin}")


def lost_name(knob: "LostKnob") -> str:
    """Says what a knob that was left out turned, in plain words."""
    if knob.feature is not None:
        return f"topic {knob.feature}"
    if knob.family is not None:
        return f"family {knob.family}"
    if knob.concept is not None:
        return f"“{knob.concept}”"
    return "the example " + ", ".join(f"“{document}”" for document in (*knob.like, *knob.unlike))


def moved_words(cosine: float) -> str:
    """Says how far steering moved the question, in words, from the cosine between before and after."""
    steps = (
        (0.999, "at your question"),
        (0.97, "close to your question"),
        (0.9, "near your question"),
        (0.7, "some way from your question"),
    )
    return next((words for least, words in steps if cosine >= least), "far from your question")
