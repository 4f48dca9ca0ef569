"""The dictionary of a collection has a feature for each name of the lexicon, and for names of its own.

A name's direction is its embedding beyond what all names have in common; how near a text is to a name is how
far it points that way beyond what the collection's passages have in common:

    w_f = unit(embed(name_f) - m)        a_f(x) = <w_f, x - b>

with m the mean of all names and b that of the passages (held near that of the mix where they are few). The
ACTIVE nearest names of a text are its features. (Which of them it is about: `search.index.agreement`.)

Shape suffixes: N passages, D embedding width, F features, C candidate names.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from indexer.dictionary.phrases import TOPICLESS, Phrases, mine
from search.db.card import Card, Training
from search.dictionary.artifact import shipped
from search.dictionary.autoencoder import NAMED, Dictionary, rounded
from search.dictionary.lexicon import LONGEST_NAME, Group, NameLexicon, general_lexicon, spelled
from search.dictionary.own_names import MINED_ROWS, NEAREST, fewest_votes
from search.embedding.embedder import Embedder
from search.errors import DictionaryError

ACTIVE = 40
LEAST = 0.12
"""A name whose activation is below this is not near a text."""

PRIOR_ROWS = 200
MOVED = 0.05
"""A dictionary is made anew if the mean of the passages has moved further, even if no name is new."""

ALIKE = 0.02
"""Names are too much alike if a smaller share of their embeddings differs."""

SMALL = 500
"""Two passages have to hold a phrase in a collection of fewer; else three."""

CANDIDATES = 3000
OWN_NAMES = 2500
MOST_HELD = 0.2
STICKS = 3.0
SHARE_OF_RAREST = 0.03
BLOCK = 512

FloatArray = NDArray[np.float32]
Embed = Callable[[list[str]], NDArray[np.float16]]

_EMPTY = (
    "value values case cases number numbers name names type types note notes parameter parameters default "
    "defaults none true false see also section chapter figure figures table tables version versions details "
    "detail full list lists part parts form forms end start set sets item items element elements result "
    "results return returns argument arguments object objects instance instances description background "
    "methods conclusion conclusions objective objectives purpose introduction summary study studies user "
    "guide available possible similar particular important main major current recent"
)
EMPTY = frozenset(_EMPTY.split())
"""These words say too little, in manuals and in science, to begin or to end a name."""

IDENTIFIER = re.compile(r"[a-z0-9]+(?:[._][a-z0-9]+)+|[a-z]+[A-Z]\w+|[A-Z][a-z0-9]+[A-Z]\w+", re.ASCII)


def name_directions(names_CD: NDArray[Any], mean_D: FloatArray) -> FloatArray:
    """Computes the rows (C, D) of names from their embeddings, rounded as they are kept."""
    return rounded(names_CD.astype(np.float32) - mean_D)


def general_dictionary(groups: Sequence[Group], model: str, embed: Embed) -> Dictionary:
    """Makes the dictionary of a model: a feature for each group of names, by the one that is shown.

    Raises:
        DictionaryError: the model finds all names alike.
    """
    shown = [group[0] for group in groups]
    order = sorted(range(len(shown)), key=lambda at: -len(shown[at]))  # a batch is as slow as its longest
    embedded_FD = embed([shown[at] for at in order])
    names_FD = np.empty(embedded_FD.shape, np.float32)
    names_FD[order] = embedded_FD
    mean_D = names_FD.mean(axis=0)
    spread = float(np.square(names_FD - mean_D).sum() / max(np.square(names_FD).sum(), 1e-12))
    if spread < ALIKE:
        raise DictionaryError(
            f"All names look alike to the model {model!r}: only {spread:.1%} of their embeddings differs.",
            hint="Choose a sentence-embedding model.",
        )
    training = Training(way=NAMED, mean=tuple(mean_D.tolist()), names=len(groups))
    return _dictionary(name_directions(names_FD, mean_D), mean_D, model, training, tuple(groups))


def model_dictionary(embedder: Embedder, folder: Path) -> Dictionary:
    """Gives the named dictionary of an embedding model at its width: the one that ships, or one that is made,
    in a minute on two cores, and kept in a folder.

    Raises:
        DictionaryError: the model finds all names alike.
    """
    if there := known_dictionary(embedder, folder):
        return there
    made = general_dictionary(general_lexicon().groups, embedder.space.model, embedder.encode)
    made.save(_kept(embedder, folder))
    return made


def known_dictionary(embedder: Embedder, folder: Path) -> Dictionary | None:
    """Gives the dictionary of an embedding model that ships, or was made before."""
    base = shipped(embedder.space.model)
    if base and base.dictionary.width == embedder.width:
        return base.dictionary
    with contextlib.suppress(DictionaryError):
        return Dictionary.load(_kept(embedder, folder))
    return None


def _kept(embedder: Embedder, folder: Path) -> Path:
    made_of = repr((embedder.space, general_lexicon().groups))
    return folder / hashlib.sha256(made_of.encode()).hexdigest()[:32]


def centred(dictionary: Dictionary, x_ND: NDArray[Any], *, prior_rows: int = PRIOR_ROWS) -> Dictionary:
    """Centres the same names on the mean of a collection's passages (N, D)."""
    rows = mined_rows(len(x_ND))
    mean_D = x_ND[rows].mean(axis=0, dtype=np.float32) if len(rows) else dictionary.b_D
    b_D = (len(rows) * mean_D + prior_rows * dictionary.b_D) / (len(rows) + prior_rows)
    return replace(dictionary, b_D=b_D.astype(np.float32))


def with_own_names(
    base: Dictionary,
    texts: Sequence[str],
    x_ND: NDArray[Any],
    lexicon: NameLexicon,
    embed: Embed,
    *,
    known: Dictionary | None = None,
) -> Dictionary:
    """Makes a collection's dictionary: that of its model, followed by names of its own.

    `texts` are title and text of its passages `x_ND`, those of `mined_rows` alone. The names that the
    collection had in its dictionary so far (`known`) stay, under their numbers, as long as most of them still
    occur. Where there is nothing new the answer is `known` itself.
    """
    fitted = centred(base, x_ND)
    phrases = mine(texts, fewest=2 if len(texts) < SMALL else 3)
    stays = known if known is not None and _still_fits(known, base, phrases) else base
    kept = stays.names[base.features :]
    there = {spelled(name) for group in kept for name in group}
    chosen = candidates(phrases, len(texts), lexicon)[: min(CANDIDATES, 50 + len(texts) // 2)]
    chosen = [at for at in chosen if spelled(phrases.shown[at]) not in there]
    names = [phrases.shown[at] for at in chosen]
    embedded_CD = embed(names) if names else np.zeros((0, base.width), np.float16)
    w_CD = name_directions(embedded_CD, np.array(base.card.training.mean, np.float32))
    held_NC = phrases.held_NP[:, chosen].tocsr()
    found = _explaining(fitted.b_D, stays.w_dec_FD, w_CD, held_NC, x_ND)[: OWN_NAMES - len(kept)]
    if stays is not base and not found and np.linalg.norm(fitted.b_D - stays.b_D) < MOVED:
        return stays
    own = (*kept, *((names[at],) for at in found))
    training = base.card.training.model_copy(
        update={
            "adapted_from": base.stored_card().sha256,
            "own_names": len(own),
            "lineage": hashlib.sha256(repr(own).encode()).hexdigest(),
        }
    )
    w_FD = np.concatenate([stays.w_dec_FD, w_CD[found]])
    return _dictionary(w_FD, fitted.b_D, base.card.model, training, (*base.names, *own))


def _still_fits(known: Dictionary, base: Dictionary, phrases: Phrases) -> bool:
    """Tells whether a dictionary was made from the base, and most of its own names are still phrases."""
    own, held = known.names[base.features :], {shown.casefold() for shown in phrases.shown}
    there = sum(name.casefold() in held for name, *_ in own)
    return known.names[: base.features] == base.names and 2 * there >= len(own)


def _dictionary(
    w_FD: FloatArray, b_D: FloatArray, model: str, training: Training, names: tuple[Group, ...]
) -> Dictionary:
    card = Card(model=model, active=min(ACTIVE, len(w_FD)), training=training, threshold=LEAST)
    return Dictionary.tied(w_FD, card, b_D=b_D, names=names)


def candidates(phrases: Phrases, passages: int, lexicon: NameLexicon) -> list[int]:
    """Chooses phrases that read as names and that the lexicon lacks, by number, the most telling first."""
    held_P = np.asarray(phrases.held_NP.sum(axis=0)).ravel()
    alone = {
        shown.casefold(): float(held)
        for shown, held, length in zip(phrases.shown, held_P, phrases.length_P, strict=True)
        if length == 1
    }
    worth: dict[int, float] = {}
    for number, (shown, held) in enumerate(zip(phrases.shown, held_P.tolist(), strict=True)):
        words = shown.split()
        if held > MOST_HELD * passages and passages > 20:
            continue
        if _is_known(words, lexicon) or not _reads_as_name(words, lexicon):
            continue
        if len(words) == 1:
            worth[number] = 2 * held
        else:
            parts = [alone.get(word.casefold(), held) for word in words if word.lower() not in TOPICLESS]
            chance = passages * float(np.prod([part / passages for part in parts]))
            if held >= max(STICKS * chance, SHARE_OF_RAREST * min(parts)):
                worth[number] = held * (1 + np.log(held / max(chance, 1e-9)))
    telling = sorted(worth, key=lambda number: (-worth[number], phrases.shown[number]))
    first = {spelled(phrases.shown[number]): number for number in reversed(telling)}
    return [number for number in telling if first[spelled(phrases.shown[number])] == number]


def _is_known(words: Sequence[str], lexicon: NameLexicon) -> bool:
    """Tells whether the lexicon has the name, in whatever spelling, or its singular."""
    whole = " ".join(words).casefold()
    singular = (
        whole.removesuffix(ending) + single
        for ending, single in (("", ""), ("es", "is"), ("a", "um"))
        if whole.endswith(ending)
    )
    return any(spelled(form) in lexicon.known for form in singular)


def _reads_as_name(words: Sequence[str], lexicon: NameLexicon) -> bool:
    """Tells whether words are a whole noun phrase, a term or an identifier, as far as word classes tell."""
    lower = [word.casefold() for word in words]
    if len(" ".join(words)) > LONGEST_NAME or not any(re.search(r"[^\W\d_]{2}", word) for word in words):
        return False
    if lower[-1] in EMPTY or lower[0] in EMPTY or len(set(lower)) < len(lower):
        return False
    if any(re.fullmatch(r"[\d.,]+|.|th|st|nd|rd|\d+(th|st|nd|rd)", word) for word in lower):
        return False
    if _is_instruction(words, lexicon):
        return False
    inner = lower[1:-1]
    if any(word in TOPICLESS and word != "of" for word in inner):
        return False
    *front, last = words
    if not _can_end(last, lexicon, alone=not front):
        return False
    return all(_can_lead(word, lexicon) for word in front if word != "of")


def _is_instruction(words: Sequence[str], lexicon: NameLexicon) -> bool:
    """Tells whether words begin a sentence, as their capital says, with a verb: "Find eigenvalues"."""
    first, *rest = words
    is_verb = "v" in lexicon.classes.get(first.casefold(), "")
    return is_verb and bool(rest) and first.istitle() and " ".join(rest).islower()


def _can_end(word: str, lexicon: NameLexicon, *, alone: bool) -> bool:
    """Tells whether a word can be the head of a name: a noun, or a word that no list knows."""
    lower = word.casefold()
    kinds = lexicon.classes.get(lower) or lexicon.classes.get(lower.removesuffix("s"))
    if kinds:
        return "n" in kinds
    if IDENTIFIER.fullmatch(word):
        return True
    if re.search(r"(ed|ly|ing|n't|'s|’s|’t)$", lower):
        return False
    return len(word) > 2 and (not alone or word.isascii() or word[0].isupper())


def _can_lead(word: str, lexicon: NameLexicon) -> bool:
    """Tells whether a word can stand before the head: a noun or an adjective, or one that no list knows."""
    lower = word.casefold()
    kinds = lexicon.classes.get(lower) or lexicon.classes.get(lower.removesuffix("s"))
    if kinds:
        return bool(set(kinds) & {"n", "a"})
    return re.search(r"(ly|n't|'s|’s|’t)$", lower) is None


def _explaining(
    b_D: FloatArray, w_FD: FloatArray, w_CD: FloatArray, held_NC: csr_matrix, x_ND: NDArray[Any]
) -> list[int]:
    """Finds the candidates that are nearer than most names to enough of the passages that hold them, best
    first."""
    gain_C, count_C = np.zeros(len(w_CD)), np.zeros(len(w_CD))
    for start in range(0, len(x_ND), BLOCK):
        centred_ND = x_ND[start : start + BLOCK].astype(np.float32) - b_D
        along_NF = centred_ND @ w_FD.T
        nearest_N1 = np.partition(along_NF, -NEAREST, axis=1)[:, -NEAREST, None]
        beyond_NC = centred_ND @ w_CD.T - np.maximum(nearest_N1, LEAST)
        beyond_NC *= held_NC[start : start + BLOCK].toarray() > 0
        gain_C += beyond_NC.clip(0).sum(axis=0)
        count_C += (beyond_NC > 0).sum(axis=0)
    fit = np.flatnonzero(count_C >= fewest_votes(len(x_ND)))
    return [int(at) for at in fit[np.argsort(-gain_C[fit], kind="stable")]]


def mined_rows(passages: int) -> NDArray[np.int64]:
    """Draws the passages that names are found in: all, or MINED_ROWS of them at random, ascending."""
    if passages <= MINED_ROWS:
        return np.arange(passages)
    return np.sort(np.random.default_rng(0).choice(passages, MINED_ROWS, replace=False))
