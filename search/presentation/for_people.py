"""Says what an answer has for who looks at it, beside what programs get."""

from dataclasses import dataclass
from typing import Literal

Marks = Literal["known", "all"]


@dataclass(frozen=True)
class ForPeople:
    """Chooses what of an answer is made for people, all of it dear but where its documents are from.

    `marks`: the model reads "all" passages, to find the best sentence, the words that match the question and
    those that made its topics fire; or none but those that it read before, which are "known", and of the
    others the question's own words are marked. `ranks`: the rank of each result without each of its terms.
    `again`: it is more of an answer that was given already, so no other search.
    """

    marks: Marks = "all"
    ranks: bool = True
    again: bool = False
