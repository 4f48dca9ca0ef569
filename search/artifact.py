"""A dictionary as a folder that can be shared: weights, labels, families, how features behave, a card.

    dictionary.safetensors   the weights, float16
    dictionary.json          the card: vector space, recipe, scorecard, and the SHA-256 of every other file
    features.jsonl           a feature a line: label, score, origin, density, quantiles and histogram
    families.jsonl           a family a line
    CARD.md                  the card in words

A dictionary of names carries these with its weights, and needs neither of the two lists.

One comes with the program for the default model (`shipped`); every collection with that model starts from it.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.dictionary import CARD_FILE, Dictionary
from search.errors import DictionaryError
from search.families import Family
from search.labels import Label, unwritten_labels

SHIPPED = Path(__file__).parent / "dictionaries"
FEATURES_FILE = "features.jsonl"
FAMILIES_FILE = "families.jsonl"


@dataclass(frozen=True)
class Behaviour:
    """How a feature behaves on the texts the dictionary was measured on: the share of texts that fire it, its
    activation at 0, 10, ..., 100% of them, and a histogram from 0 to the last of these."""

    density: float
    quantiles: list[float]
    counts: list[int]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A dictionary with all that is known of its features, one `label` and one `behaviour` each."""

    dictionary: Dictionary
    labels: list[Label]
    behaviour: list[Behaviour]
    families: list[Family]

    @functools.cached_property
    def sha256(self) -> str:
        """What dictionaries adapted from this one name it by."""
        return str(self.dictionary.card_json()["sha256"])

    def save(self, folder: Path) -> None:
        """Writes the folder; a CARD.md that is there stays."""
        folder.mkdir(parents=True, exist_ok=True)
        features = (
            {"feature": number, **_label_json(label), **dataclasses.asdict(behaviour)}
            for number, (label, behaviour) in enumerate(zip(self.labels, self.behaviour, strict=True))
        )
        hashes = {
            FEATURES_FILE: _write_lines(folder / FEATURES_FILE, features),
            FAMILIES_FILE: _write_lines(folder / FAMILIES_FILE, map(_family_json, self.families)),
        }
        self.dictionary.save(folder, half=True, files=hashes)

    @classmethod
    def load(cls, folder: Path) -> "Artifact":
        """Reads a folder that `save` wrote.

        Raises:
            DictionaryError: a file is missing, cut or changed.
        """
        dictionary, card = Dictionary.load_with_card(folder)
        lines = {name: _read_lines(folder / name, card["files"].get(name)) for name in card.get("files", {})}
        if dictionary.names:
            families = [_family(row) for row in lines.get(FAMILIES_FILE, [])]
            return cls(dictionary, unwritten_labels(dictionary), [], families)
        features = lines.get(FEATURES_FILE, [])
        if len(features) != dictionary.features:
            raise DictionaryError(
                f"{folder} describes {len(features)} features of {dictionary.features}.", hint="Get it anew."
            )
        return cls(
            _with_unit_rows(dictionary),
            [Label(row["label"], row["score"], row["reliable"], row["origin"]) for row in features],
            [Behaviour(row["density"], row["quantiles"], row["counts"]) for row in features],
            [_family(row) for row in lines.get(FAMILIES_FILE, [])],
        )


def rename_families(folder: Path, names: Mapping[int, str]) -> None:
    """Gives families of a saved artifact other names; those renamed to "" are left out.

    Raises:
        DictionaryError: a file is missing, cut or changed, or has no family of a number.
    """
    families = Artifact.load(folder).families
    if unknown := names.keys() - {family.number for family in families}:
        raise DictionaryError(f"There is no family {min(unknown)} in {folder}.", hint="Check the names.")
    kept = []
    for family in families:
        name = names.get(family.number, family.name)
        orphan = family.parent is not None and names.get(family.parent) == ""
        if name:
            kept.append(dataclasses.replace(family, name=name, parent=None if orphan else family.parent))
    path = folder / CARD_FILE
    card = json.loads(path.read_text(encoding="utf-8"))
    card["files"][FAMILIES_FILE] = _write_lines(folder / FAMILIES_FILE, map(_family_json, kept))
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _with_unit_rows(dictionary: Dictionary) -> Dictionary:
    """Rounding to float16 leaves decoder rows of nearly the length 1."""
    lengths_F1 = np.linalg.norm(dictionary.w_dec_FD, axis=1, keepdims=True)
    return dataclasses.replace(dictionary, w_dec_FD=dictionary.w_dec_FD / np.maximum(lengths_F1, 1e-12))


@functools.cache
def shipped(model: str) -> Artifact | None:
    """The dictionary that comes with the program for an embedding model, if there is one.

    Raises:
        DictionaryError: its files are damaged.
    """
    folder = SHIPPED / model
    return Artifact.load(folder) if folder.is_dir() and folder.parent == SHIPPED else None


def _label_json(label: Label) -> dict[str, Any]:
    return {"label": label.text, "score": label.score, "reliable": label.reliable, "origin": label.origin}


def _family_json(family: Family) -> dict[str, Any]:
    return {
        "family": family.number,
        "parent": family.parent,
        "name": family.name,
        "features": family.features.tolist(),
        "weights": [round(float(weight), 4) for weight in family.weights_C],
    }


def _family(row: dict[str, Any]) -> Family:
    return Family(
        row["family"], row["parent"], row["name"], np.array(row["features"]), np.array(row["weights"])
    )


def _write_lines(path: Path, rows: Any) -> str:
    content = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_text(content, encoding="utf-8")
    return hashlib.sha256(content.encode()).hexdigest()


def _read_lines(path: Path, sha256: str) -> list[dict[str, Any]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DictionaryError(f"{path} cannot be read: {error}.", hint="Get it anew.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DictionaryError(f"{path} does not match the hash on the card.", hint="Get it anew.")
    return [json.loads(line) for line in content.decode().splitlines()]
