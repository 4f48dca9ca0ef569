"""Families group features that belong together, and name the groups. Pure: arrays in, families out.

Two features are alike as far as they fire together (correlation of activations, beyond chance) and point the
same way (cosine of decoder rows): the geometric mean of both, so that neither is enough alone. Average
linkage makes a tree of that, and families are its largest branches that hold together well enough: small
ones, and wider ones above them where the tree has any. A feature that is like no others is in no family.

Shape suffixes: N passages, F features, A features that are alive, C features of one family.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import ClusterNode, linkage, to_tree
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform

from search.dictionary.families import Family
from search.dictionary.labels import Label

MOST_FEATURES = 2048  # the most frequent ones: likeness is a square of them
MOST_SHARE = 0.25  # what is near more passages tells nothing
FEWEST_PASSAGES = 5  # a feature that fires less often says nothing of what it fires with
SMALL, WIDE = (3, 30), (8, 100)  # fewest and most features
ALIKE, WIDELY_ALIKE = 0.07, 0.025  # how alike two branches of a family are at least, on the average
CHANCE = 2.0  # correlations of so many standard errors happen by themselves
WORD = re.compile(r"\w+")

FloatArray = NDArray[np.float32]


def find_families(acts_NF: csr_matrix, w_dec_FD: FloatArray, labels: Sequence[Label]) -> list[Family]:
    """Finds the families of a dictionary on N passages, numbered from 0; wider ones come after the small
    ones.

    Features that hardly ever fire, that fire everywhere, or whose label does not hold are in none. 2,048
    features on 100,000 passages take a second or two.
    """
    firing_F = np.bincount(acts_NF.indices, minlength=acts_NF.shape[1])
    holds_F = np.array([label.reliable for label in labels], dtype=np.bool_)
    fits_F = holds_F & (firing_F >= FEWEST_PASSAGES) & (firing_F <= MOST_SHARE * acts_NF.shape[0])
    alive_A = np.sort(np.flatnonzero(fits_F)[np.argsort(-firing_F[fits_F], kind="stable")][:MOST_FEATURES])
    if len(alive_A) < SMALL[0]:
        return []
    alike_AA = likeness(acts_NF[:, alive_A], w_dec_FD[alive_A])
    tree = to_tree(linkage(squareform(1 - alike_AA, checks=False), "average"))
    naming = _Naming(labels)
    small: list[Family] = []
    for branch in branches(tree, SMALL, ALIKE):
        if family := _family(len(small), branch, alike_AA, alive_A, naming):
            small.append(family)
    return _with_wider(small, tree, alike_AA, alive_A, naming)


def likeness(acts_NF: csr_matrix, w_dec_FD: FloatArray) -> FloatArray:
    """Measures how alike features are (F, F), 0 to 1, with 1 on the diagonal."""
    mean_F = np.asarray(acts_NF.mean(axis=0), dtype=np.float32).ravel()
    together_FF = (acts_NF.T @ acts_NF).toarray().astype(np.float32) / acts_NF.shape[0]
    together_FF -= np.outer(mean_F, mean_F)
    deviation_F = np.sqrt(np.maximum(np.diag(together_FF), 1e-12))
    together_FF /= np.outer(deviation_F, deviation_F)
    np.maximum(together_FF - CHANCE / np.sqrt(acts_NF.shape[0]), 0, out=together_FF)
    together_FF *= np.maximum(w_dec_FD @ w_dec_FD.T, 0)
    alike_FF: FloatArray = np.minimum(np.sqrt(together_FF), 1)
    np.fill_diagonal(alike_FF, 1)
    return alike_FF


def branches(tree: ClusterNode, size: tuple[int, int], alike: float) -> Iterator[list[int]]:
    """Yields the leaves of each largest branch of that size that holds together at least so well."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node.count < size[0]:
            continue
        if node.count <= size[1] and 1 - node.dist >= alike:
            yield sorted(node.pre_order())
        else:
            waiting += [node.get_right(), node.get_left()]


class _Naming:
    """Gives each family a name of its own, made of the labels that hold."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self.texts = [label.text.split(" · ")[0] if label.reliable else "" for label in labels]
        self.taken: set[str] = set()

    def name(self, features: Iterable[int]) -> str:
        """Joins the first label that holds and the next that adds other words; "" if none holds."""
        parts: list[str] = []
        words: set[str] = set()
        for text in (self.texts[feature] for feature in features):
            new = set(WORD.findall(text.casefold()))
            if not new or new & words:
                continue
            parts.append(text)
            words |= new
            if len(parts) > 1 and ", ".join(parts) not in self.taken:
                break
        self.taken.add(", ".join(parts))
        return ", ".join(parts)


def _family(
    number: int,
    branch: list[int],
    alike_AA: FloatArray,
    alive_A: NDArray[np.int64],
    naming: _Naming,
    children: Sequence[Family] = (),
) -> Family | None:
    """Makes a family of some of the features that are alive; each weighs as much as it is like the others.

    It is named after its most central features, a wider one after those of its children.
    """
    central_C = (alike_AA[np.ix_(branch, branch)].sum(axis=1) - 1) / (len(branch) - 1)
    order = np.argsort(-central_C, kind="stable")
    features = alive_A[branch][order]
    leading = [int(child.features[0]) for child in sorted(children, key=lambda child: -len(child.features))]
    name = naming.name([*leading, *features.tolist()])
    if not name:
        return None
    weights_C = central_C[order] / central_C[order[0]]
    return Family(
        number=number, parent=None, name=name, features=features, weights_C=weights_C.astype(np.float64)
    )


def _with_wider(
    small: list[Family], tree: ClusterNode, alike_AA: FloatArray, alive_A: NDArray[np.int64], naming: _Naming
) -> list[Family]:
    """Adds the wider families that hold at least two of the small ones."""
    families = list(small)
    for branch in branches(tree, WIDE, WIDELY_ALIKE):
        inside = set(alive_A[branch].tolist())
        children = [family for family in small if inside.issuperset(family.features.tolist())]
        if len(children) < 2:
            continue
        if wider := _family(len(families), branch, alike_AA, alive_A, naming, children):
            families.append(wider)
            for child in children:
                families[child.number] = replace(child, parent=wider.number)
    return families


def keep_families(before: Sequence[Family], found: Sequence[Family]) -> list[Family]:
    """Numbers the families of a dictionary that only added names to an earlier one.

    Each earlier family keeps its number, so that saved steering goes on. One that was found again (most
    features are the same) has the features of now; the others stay as they were. What is found and mostly new
    comes after them.
    """
    members = [set(family.features.tolist()) for family in before]
    again: dict[int, Family] = {}  # by the number of the earlier family
    new: list[Family] = []
    for family in found:
        shared = [len(old & set(family.features.tolist())) for old in members]
        best = max(range(len(before)), key=shared.__getitem__, default=None)
        if best is None or shared[best] * 2 < len(family.features):
            new.append(family)
        elif shared[best] * 2 >= len(members[best]):
            again.setdefault(before[best].number, family)
    following = max((family.number for family in before), default=-1) + 1
    numbers = {family.number: number for number, family in again.items()}
    numbers |= {family.number: number for number, family in enumerate(new, following)}

    def renumbered(family: Family) -> Family:
        parent = None if family.parent is None else numbers.get(family.parent)
        return replace(family, number=numbers[family.number], parent=parent)

    stay = [
        family if (now := again.get(family.number)) is None else replace(renumbered(now), name=family.name)
        for family in before
    ]
    return [*stay, *map(renumbered, new)]
