"""How near the nearest passage of a collection has to be for it to be about a question at all.

Questions about all sorts of things are asked of the collection: what is nearest to those is near by chance.
So is what is nearest to made-up words: nothing else need speak for it where no word of a question is here.
"""

import numpy as np
from numpy.typing import NDArray

from search.index.faiss_index import VectorIndex

MOST = 0.95
"""So many of the made-up questions have no passage above the floor of those whose words are nowhere."""

ELSEWHERE = (
    "how do I renew my passport",
    "why does my cat knead the blanket",
    "recipe for lentil soup with cumin",
    "who won the football match last night",
    "how to remove a red wine stain from a carpet",
    "what is the boiling point of ethanol",
    "cheap flights to Lisbon in March",
    "how do transformers change voltage",
    "symptoms of vitamin D deficiency",
    "when did the Roman Empire fall",
    "how to tune a guitar by ear",
    "what does a notary do",
    "how deep is the Mariana Trench",
    "sort a list of numbers in place",
    "which trees grow in wet soil",
    "how are interest rates set by a central bank",
    "the plot of a novel about a lighthouse keeper",
    "how does a bill become a law",
    "exercises for lower back pain",
    "how to change a bicycle tyre",
    "what causes earthquakes",
    "the painter of the water lilies",
    "how do vaccines protect against measles",
    "train a neural network on images",
    "rules of chess for beginners",
    "why is the sky blue",
    "how to write a cover letter",
    "population of Mongolia",
    "drag on a wing at supersonic speed",
    "when to plant tomatoes",
    "mount a network drive at startup",
    "the difference between a symphony and a sonata",
    "how long do honey bees live",
    "tax deduction for working from home",
    "who discovered penicillin",
    "repair a leaking tap",
    "prime numbers and how they are distributed",
    "best hiking boots for winter",
    "how do children learn to speak",
    "the moons of Jupiter",
)

MADE_UP = (
    "wrxf dipakug",
    "cukux",
    "nsqd",
    "mizat tukurug nuw",
    "ljp dehib",
    "dafuk",
    "sdq",
    "wegat godamuk sakigog",
    "cpbnkj bakah",
    "limqox",
    "kgy",
    "fopumeg jesel puvef",
    "lrmkp pedef",
    "lofezz",
    "tqjz",
    "levatas faxif lekiv",
    "vjlsq bubudaz",
    "hosik",
    "qndkgs",
    "ripeg pilijup qisih",
    "hjr kimahan",
    "dehip",
    "qpxqbb",
    "totu poruk qaw",
    "lpdfzk kokitem",
    "rigosug",
    "llq",
    "wugojuc kifagim vekibaf",
    "ftqqpy xes",
    "tavuq",
    "zrxp",
    "lavu nunexig hukuh",
    "bjx vez",
    "binufon",
    "bqcmlz",
    "hujulor ham gezew",
    "jqnsmy ner",
    "kodrux",
    "fmtv",
    "duz miw qelin",
)
"""Words of no language, those that can be said and others."""


def floor_of(index: VectorIndex, q_QD: NDArray[np.float32], share: float = 0.5) -> float:
    """How near that share of some questions has its nearest passage at most. More than the median of those
    about other things would be said of questions that are answered (docs/decisions/0021)."""
    nearest_Q1, _ = index.search(q_QD, 1)
    return float(np.quantile(nearest_Q1, share)) if nearest_Q1.size else 0.0
