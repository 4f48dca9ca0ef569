"""The general lexicon is made of names that people say, from WordNet, encyclopedia titles and phrases of the
mix.

    python -m benchmarks.lexicon SHARED_DATA_FOLDER [--out FOLDER]

Words and phrases of one to three words that enough texts hold, that read as nouns or as something one does,
written as most texts write them, and what readers missed (`added.txt`). What readers struck out
(`struck.txt`), what WordNet marks as offensive, Latin species and bare numbers are left out. Names
that say the same (the same words in other forms, or synonyms in WordNet that the default model finds alike)
share a line: the first is shown, all are found.

Shape suffixes: V names, D embedding width.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import Stemmer
import typer

from benchmarks.harness.common import embedded, read_corpus
from search.dictionary.lexicon import CLASSES_FILE, LEXICON, NAMES_FILE


def _read_list(name: str) -> list[str]:
    """Reads the lines of a file beside this one; of lists of words, the words."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return (
        text.split() if name in WORD_LISTS else [line.strip() for line in text.splitlines() if line.strip()]
    )


WORD_LISTS = ("silent.txt", "empty.txt")
READ = {
    "openstax_paragraphs": 70_000,
    "wikipedia_en_leads": 70_000,
    "wikipedia_en_body": 50_000,
    "arxiv_abstracts": 30_000,
    "software_docs": 80_000,
    "debian_package_descriptions": 30_000,
    "wordnet_glosses": 117_657,
    "python_peps": 15_000,
    "state_of_union": 8_000,
    "cfpb_complaints": 12_908,
    "open_trivia": 49_167,
    "foldoc": 13_788,
    "world_factbook": 1_456,
}
CHARACTERS = 900
LEAST_WORD, LEAST_PHRASE, LEAST_TITLE = 14, 16, 6
"""Texts that hold a word, a phrase, and an encyclopedia title, at least."""

MOST_SHARE = 0.06
STICKS, KNOWN_STICKS = 3.0, 0.2
"""A phrase is so many times as frequent as its words would be together by chance."""

WORDS, PHRASES = 14_000, 16_000
ALIKE, SAME_STEMS_ALIKE, TWIN = 0.72, 0.72, 0.95
NEAREST, BLOCK = 12, 512
TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9+#]*(?:[-./'][A-Za-z0-9+#]+)*")
SEGMENT = re.compile(r"[,;:()\[\]{}\"“”!?|=<>*`]|\.\s|\s[-–—]\s|\n")
OFFENSIVE = re.compile(
    r"offensive|slur\b|obscene|vulgar|disparag|derogat|insulting term|term of abuse|coarse"
)
INDECENT = re.compile(
    r"(sex(?!t|ton)|porn|rape|rapist|nude|naked|penis|vagina|genital|erotic|orgasm|incest|pedophil|whore|slut|"
    r"fuck|shit|bitch|bastard|nigg|faggot|dyke|cunt|cock\b|dick\b|boob|tits?\b|masturbat|prostitut|brothel|fetish)"
)
SEXUAL_BUT_SAID = frozenset(
    (
        "sex sexuality",
        "sexual reproduction",
        "sexual selection",
        "sexual orientation",
        "sexual harassment",
        "sexual assault",
        "sexual dimorphism",
        "asexual reproduction",
        "genital tract",
        "prostitution",
        "rape",
        "sexual abuse",
        "rapeseed",
    )
)
LIVED = re.compile(r"\((born|died|circa|c\.)? ?(in )?[12]?\d{3}\D|\(\d{3,4}-\d{2,4}\)")
LATIN = re.compile(r"(aceae|idae|inae|oidea|ales|iformes|ineae|ophyta|mycetes|mycota|zoa)$")
STOP = frozenset(_read_list("silent.txt"))
"""Words that no name holds."""

EMPTY = frozenset(_read_list("empty.txt"))
"""Words that say too little to be, or to be part of, a name."""

FORMS = (
    "question",
    "list of steps",
    "definition",
    "exercise",
    "quotation",
    "list of names",
    "mathematical formula",
    "source code",
    "command line",
    "error message",
    "table of numbers",
    "first person story",
    "complaint",
    "political speech",
    "short biography",
    "abbreviation",
    "legal notice",
    "advice to the reader",
    "warning",
)

Phrase = tuple[str, ...]


@dataclass
class Language:
    """Holds what WordNet knows of words: parts of speech, synonym sets, and what is not to be said."""

    kinds: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    senses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    """Words that mean persons alone: surnames."""

    @classmethod
    def read(cls, shared: Path) -> "Language":
        """Reads it from the glosses: a word is refused where any sense of it is marked, or where it is a
        taxon."""
        found = cls()
        persons: dict[str, list[bool]] = defaultdict(list)
        for record in read_corpus(shared, "wordnet_glosses"):
            kind, names = record["id"].split("/")[1], record["title"].lower().split(", ")
            gloss = record["text"].split('; "')[0]
            marked = OFFENSIVE.search(gloss) is not None
            for name in names:
                found.kinds[name].add(kind)
                found.senses[name].add(record["id"])
                persons[name].append(LIVED.search(gloss) is not None)
                if marked or name.startswith(("genus ", "family ", "order ", "class ", "suborder ")):
                    found.refused.add(name)
        found.people = {name for name, lived in persons.items() if all(lived) and " " not in name}
        return found

    def lemma(self, word: str) -> str:
        """Gives the singular of a noun that has one, else the word itself."""
        for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
            if word.endswith(ending) and word[: -len(ending)] + instead in self.kinds:
                return word[: -len(ending)] + instead
        if word.endswith("s") and not word.endswith(("ss", "us", "is")) and word[:-1] in self.kinds:
            return word[:-1]
        return word

    def is_kind(self, word: str, *kinds: str) -> bool | None:
        """Tells whether a word is of one of these parts of speech; None if it is not known."""
        known = self.kinds.get(word) or self.kinds.get(self.lemma(word))
        return None if known is None else bool(known & set(kinds))


@dataclass
class Counted:
    """Counts how many texts hold each word and each phrase of two or three, in how many corpora, and how it
    is written inside of sentences."""

    texts: int = 0
    held: Counter[Phrase] = field(default_factory=Counter)
    corpora: dict[Phrase, set[str]] = field(default_factory=lambda: defaultdict(set))
    written: dict[Phrase, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def segments(text: str) -> Iterator[list[str]]:
    """Yields the words between marks of punctuation."""
    for part in SEGMENT.split(text):
        if found := TOKEN.findall(part):
            yield found


def phrases(found: Sequence[str], known: frozenset[Phrase] | set[Phrase]) -> Iterator[tuple[Phrase, int]]:
    """Yields phrases of two and three known words of a segment, with their place."""
    lower = [word.lower() for word in found]
    good = [word not in STOP and len(word) > 1 for word in lower]
    for at in range(len(lower) - 1):
        if good[at] and good[at + 1] and (lower[at],) in known and (lower[at + 1],) in known:
            yield (lower[at], lower[at + 1]), at
            if at + 2 < len(lower) and good[at + 2] and (lower[at + 2],) in known:
                yield (lower[at], lower[at + 1], lower[at + 2]), at


def count(shared: Path) -> Counted:
    """Reads the mix twice: words, then phrases of the words that are frequent enough."""
    found = Counted()
    for corpus, text in _texts(shared):
        found.texts += 1
        for word in {word.lower() for segment in segments(text) for word in segment}:
            found.held[(word,)] += 1
            found.corpora[(word,)].add(corpus)
    words = {word for word, texts in found.held.items() if texts >= LEAST_TITLE}
    seen: Counter[Phrase] = Counter()
    for _, text in _texts(shared):
        seen.update({phrase for segment in segments(text) for phrase, _ in phrases(segment, words)})
    kept = {phrase for phrase, texts in seen.items() if texts >= LEAST_TITLE}
    found.held.update({phrase: seen[phrase] for phrase in kept})
    for corpus, text in _texts(shared):
        for segment in segments(text):
            for at, word in enumerate(segment):
                if at:
                    found.written[(word.lower(),)][word] += 1
            for phrase, at in phrases(segment, words):
                if phrase in kept:
                    found.corpora[phrase].add(corpus)
                    if at:
                        found.written[phrase][" ".join(segment[at : at + len(phrase)])] += 1
    return found


def candidates(shared: Path, counted: Counted, language: Language) -> dict[Phrase, int]:
    """Finds names by how many texts hold them."""
    titles = _titles(shared)
    found: dict[Phrase, int] = {}
    for phrase, texts in counted.held.items():
        if len(phrase) == 1:
            good = _is_word(phrase[0], texts, counted, language, titles)
        else:
            good = _is_phrase(phrase, texts, counted, language, titles)
        if good and not _is_refused(phrase, language):
            singular = (*phrase[:-1], language.lemma(phrase[-1]))
            found[singular] = found.get(singular, 0) + texts
    words = sorted((p for p in found if len(p) == 1), key=lambda p: (-found[p], p))[:WORDS]
    longer = sorted((p for p in found if len(p) > 1), key=lambda p: (-found[p], p))[:PHRASES]
    return {phrase: found[phrase] for phrase in (*words, *longer)}


def _texts(shared: Path) -> Iterator[tuple[str, str]]:
    for corpus, most in READ.items():
        for number, record in enumerate(read_corpus(shared, corpus)):
            if number >= most:
                break
            title = "" if corpus in ("wordnet_glosses", "open_trivia") else record["title"] + "\n"
            yield corpus, (title + record["text"])[:CHARACTERS]


def _titles(shared: Path) -> set[Phrase]:
    found = set()
    for corpus in ("wikipedia_en_leads", "foldoc"):
        for record in read_corpus(shared, corpus):
            title = re.sub(r"\s*\(.*", "", record["title"])
            parts = tuple(word.lower() for word in TOKEN.findall(title))
            if 1 <= len(parts) <= 3 and " ".join(TOKEN.findall(title)) == title:
                found.add(parts)
    return found


def _is_word(word: str, texts: int, counted: Counted, language: Language, titles: set[Phrase]) -> bool:
    if len(word) < 2 or word in STOP or word in EMPTY or texts > MOST_SHARE * counted.texts:
        return False
    if len(word) == 2 and not _usual(counted, (word,)).isupper():
        return False
    wide = len(counted.corpora[(word,)]) >= 2 or texts >= 4 * LEAST_WORD
    if word in language.people:
        return False
    written = _usual(counted, (word,))
    if written.istitle() and (word,) not in titles and not language.is_kind(word, "noun"):  # a first name
        return False
    if language.is_kind(word, "noun", "verb"):
        return texts >= LEAST_WORD and wide
    if language.is_kind(word) is False:  # known as something else
        return False
    if re.search(r"ly$|[./']|^[a-z]+ed$", word):
        return False
    return texts >= (LEAST_WORD if (word,) in titles else 2 * LEAST_WORD) and wide


def _is_phrase(phrase: Phrase, texts: int, counted: Counted, language: Language, titles: set[Phrase]) -> bool:
    if any(word in STOP or word in EMPTY or len(word) < 2 for word in phrase):
        return False
    if len({language.lemma(word) for word in phrase}) < len(phrase):
        return False
    expected = counted.texts * float(np.prod([counted.held[(word,)] / counted.texts for word in phrase]))
    known = phrase in titles or " ".join(phrase) in language.kinds
    if (
        texts < (LEAST_TITLE if known else LEAST_PHRASE)
        or texts < (KNOWN_STICKS if known else STICKS) * expected
    ):
        return False
    if len(counted.corpora[phrase]) < 2 and texts < 2 * LEAST_PHRASE:
        return False
    if known:
        return True
    if language.is_kind(phrase[-1], "noun") is False or re.search(r"(ly|ed)$", phrase[-1]):
        return False
    return all(
        language.is_kind(word, "noun", "adj") is not False or word.endswith("ing") for word in phrase[:-1]
    )


def _is_refused(phrase: Phrase, language: Language) -> bool:
    name = " ".join(phrase)
    if name in SEXUAL_BUT_SAID:
        return False
    return (
        name in language.refused
        or any(word in language.refused and len(word) > 3 and _rude_only(word, language) for word in phrase)
        or INDECENT.search(name) is not None
        or any(LATIN.search(word) and len(word) > 6 for word in phrase)
    )


def _rude_only(word: str, language: Language) -> bool:
    """Tells whether the marked sense is all that a word has."""
    return len(language.senses[word]) <= 1


def _usual(counted: Counted, phrase: Phrase) -> str:
    """Finds how most texts write it inside of sentences; in small letters where a fair part does."""
    written = counted.written.get(phrase)
    plain = " ".join(phrase)
    if not written:
        return plain
    whole = sum(written.values())
    return plain if written[plain] >= 0.25 * whole else written.most_common(1)[0][0]


def grouped(names: Sequence[str], language: Language) -> list[list[str]]:
    """Groups names that say the same, the most frequent first in each group and of all groups.

    `names` are in the order of their frequency. A name joins the nearest earlier one that shares its stems or
    a sense in WordNet, if the default model finds them alike as well; or one that is all but the same.
    """
    x_VD = embedded(list(names)).astype(np.float32)
    x_VD -= x_VD.mean(axis=0)
    x_VD /= np.linalg.norm(x_VD, axis=1, keepdims=True)
    stemmer = Stemmer.Stemmer("english")
    stems = [frozenset(stemmer.stemWords(re.split(r"[\s-]", name.lower()))) for name in names]
    senses = [language.senses.get(name.lower(), set()) for name in names]
    groups: dict[int, list[int]] = {}
    is_head_V = np.zeros(len(names), np.bool_)
    for start in range(0, len(names), BLOCK):
        like_VB = x_VD @ x_VD[start : start + BLOCK].T
        for number in range(start, min(start + BLOCK, len(names))):
            like_V = np.where(is_head_V, like_VB[:, number - start], -1.0)
            for head in np.argpartition(-like_V, NEAREST)[:NEAREST].tolist():
                if _is_same(float(like_V[head]), stems, senses, head, number):
                    groups[head].append(number)
                    break
            else:
                groups[number] = [number]
                is_head_V[number] = True
    return [[names[number] for number in group] for group in groups.values()]


def _is_same(
    like: float, stems: list[frozenset[str]], senses: list[set[str]], head: int, number: int
) -> bool:
    """Tells whether two names, so alike to the model, say the same."""
    if like >= TWIN:
        return True
    if stems[head] == stems[number] and like >= SAME_STEMS_ALIKE:
        return True
    return like >= ALIKE and bool(senses[head] & senses[number])


def main(
    shared: Annotated[Path, typer.Argument(help="The folder that holds corpora/.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = LEXICON,
) -> None:
    """Builds the lexicon and the classes of words, and writes them."""
    language = Language.read(shared)
    counted = count(shared)
    names = list_names(candidates(shared, counted, language), counted)
    groups = grouped(names, language)
    out.mkdir(parents=True, exist_ok=True)
    (out / NAMES_FILE).write_text("".join("\t".join(group) + "\n" for group in groups), encoding="utf-8")
    (out / CLASSES_FILE).write_text("".join(word_classes(counted, language)), encoding="utf-8")
    print(f"{len(names):,} names in {len(groups):,} groups, from {counted.texts:,} texts")


def list_names(found: dict[Phrase, int], counted: Counted) -> list[str]:
    """Lists all names, the most frequent first; those that readers added stand at the median."""
    left_out = {name.lower() for name in _read_list("struck.txt")}
    spelled = {_usual(counted, phrase): texts for phrase, texts in found.items()}
    known = {name.lower() for name in spelled}
    middle = int(np.median(list(spelled.values())))
    spelled |= {name: middle for name in _read_list("added.txt") if name.lower() not in known}
    spelled |= dict.fromkeys(FORMS, middle)
    return [name for name in sorted(spelled, key=lambda n: (-spelled[n], n)) if name.lower() not in left_out]


def word_classes(counted: Counted, language: Language) -> Iterator[str]:
    """Writes lines of a word and its parts of speech (n, v, a, r), of the words that enough texts hold."""
    letters = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
    for phrase in sorted(phrase for phrase, texts in counted.held.items() if texts >= LEAST_WORD):
        if len(phrase) == 1 and (kinds := language.kinds.get(phrase[0])):
            yield f"{phrase[0]}\t{''.join(sorted(letters[kind] for kind in kinds))}\n"


if __name__ == "__main__":
    typer.run(main)
