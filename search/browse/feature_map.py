"""Shows the features of a collection as a map on which near meanings lie near each other."""

from collections import Counter

from search.engine.reader import Reader
from search.index.snapshot import Snapshot
from search.responses.features import FamilyRef, FeatureMap, MapPoint

PLACES = 4
"""Digits of a place: finer than any screen."""


def feature_map(reader: Reader) -> FeatureMap:
    """Gives the map of a collection's features: of those placed when its generation was built, the ones that
    tell something in what the reader may see."""
    snapshot = reader.snapshot
    placed = snapshot.places
    families = _widest(snapshot)
    points = [
        MapPoint(
            feature=feature,
            label=snapshot.labels[feature].shown,
            passages=int(snapshot.passages_F[feature]),
            x=round(x, PLACES),
            y=round(y, PLACES),
            family=families.get(feature),
        )
        for feature, (x, y) in zip(placed.features_A.tolist(), placed.at_A2.tolist(), strict=True)
        if snapshot.telling[feature]
    ]
    sizes = Counter(point.family for point in points if point.family is not None)
    return FeatureMap(
        collection=reader.collection,
        generation=snapshot.generation,
        points=points,
        families=[FamilyRef(number, snapshot.families[number].name) for number, _ in sizes.most_common()],
    )


def _widest(snapshot: Snapshot) -> dict[int, int]:
    """Finds the widest family of each feature that is in one."""
    largest_last = sorted(snapshot.families.values(), key=lambda family: len(family.features))
    return {int(feature): family.number for family in largest_last for feature in family.features}
