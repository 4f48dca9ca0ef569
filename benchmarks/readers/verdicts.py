"""Counts what readers said of the sheets of `benchmarks.readers.pages`.

    python -m benchmarks.readers.verdicts KEY VERDICT_FILE...

A verdict file is one reader's: a number and a letter a line, R (right), W (wrong) or C (cannot tell).
"""

import json
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import typer

from benchmarks.harness.common import table


def main(key: Path, verdicts: list[Path]) -> None:
    """Prints what readers said of each system, and how far two of them agree."""
    items = {each["id"]: each for each in json.loads(key.read_text(encoding="utf-8"))}
    said: dict[int, list[str]] = defaultdict(list)
    for path in verdicts:
        for line in path.read_text(encoding="utf-8").splitlines():
            if len(parts := line.split()) == 2:
                said[int(parts[0])].append(parts[1])
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, item in items.items():
        for system, kind in item["systems"].items():
            for shown in ("all", kind):
                groups[item["asked"], system, shown].append(number)
    header = ["asked", "system", "kind", "items", "verdicts", "right", "wrong", "cannot tell", "right to all"]
    rows = [[*group, *_shares(numbers, said)] for group, numbers in sorted(groups.items())]
    print(table(header, rows))
    for asked in sorted({item["asked"] for item in items.values()}):
        pairs = [
            pair
            for number in said
            if items[number]["asked"] == asked
            for pair in combinations(said[number], 2)
        ]
        print(f"{asked}: {_agreement(pairs)}")


def _shares(numbers: list[int], said: dict[int, list[str]]) -> list[object]:
    letters = [letter for number in numbers for letter in said[number]]
    count, most = Counter(letters), max(len(letters), 1)
    both = sum(set(said[number]) == {"R"} for number in numbers)
    return [len(numbers), len(letters), *(count[each] / most for each in "RWC"), both / len(numbers)]


def _agreement(pairs: list[tuple[str, str]]) -> str:
    """Tells how often two readers say the same, and how far beyond chance (Cohen's kappa)."""
    if not pairs:
        return "not read twice"
    same = sum(one == other for one, other in pairs) / len(pairs)
    first, second = (Counter(each) for each in zip(*pairs, strict=True))
    chance = sum(first[letter] * second[letter] for letter in first) / len(pairs) ** 2
    kappa = (same - chance) / max(1 - chance, 1e-9)
    return f"two readers agree on {same:.0%} of {len(pairs)}, kappa {kappa:.2f}"


if __name__ == "__main__":
    typer.run(main)
