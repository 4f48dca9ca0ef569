"""Says what was learned from judgements, to the outside; kept with the job that learned it."""

from search.responses.evaluation import Figure
from search.responses.stored import StoredJson


class LearnedKnob(StoredJson):
    """Describes a knob that was learned: what it turns how far, how many of the judged questions would be
    worse without it (`helps`) and how many better (`hurts`), and some of each."""

    feature: int = 0
    label: str = ""
    strength: float = 0.0
    helps: int = 0
    hurts: int = 0
    helped: tuple[str, ...] = ()
    hurt: tuple[str, ...] = ()


class LearningReport(StoredJson):
    """Says what judgements teach: knobs on features, which of them matter most first, and what they are
    worth.

    `before` is nDCG@10 of searches without a preset. `unseen` is how much it gains on questions that were not
    learned from: every question is answered once by knobs that the others taught; `better`, `worse` and
    `same` count these. Where that gain is not sure the knobs are not worth having: `refusal` says why, and
    nothing is offered. `steer` are the knobs in their text form, numbered in `dictionary`.
    """

    collection: str = ""
    generation: int = 0
    dictionary: int = 0
    judgements: int = 0
    questions: int = 0
    features: int = 0
    steer: str = ""
    knobs: tuple[LearnedKnob, ...] = ()
    before: Figure = Figure()
    unseen: Figure = Figure()
    better: int = 0
    worse: int = 0
    same: int = 0
    refusal: str = ""
    seconds: float = 0.0
