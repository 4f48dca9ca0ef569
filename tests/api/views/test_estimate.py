"""What a new generation costs, in sentences."""

from api.views.estimate import told
from indexer.estimate import Estimate

HERE = Estimate(
    model="a/model",
    dimensions=256,
    passages=12_000,
    embedded=9_000,
    names=35_000,
    tokens=1_500_000,
    seconds=600,
    disk=24_000_000,
    memory=9_100_000,
    model_memory=90_000_000,
)


def test_a_model_here_says_how_long_it_takes_and_what_it_takes_up() -> None:
    assert list(told(HERE)) == [
        "9,000 of 12,000 passages are embedded anew, and up to 35,000 names of topics, by a/model "
        "(256 dimensions): about 10 min.",
        "The new generation takes up about 24 MB of disk beside the live one and 9.1 MB of memory, its model "
        "90 MB of memory.",
    ]


def test_an_endpoint_says_what_is_sent_to_it() -> None:
    far = HERE.model_copy(update={"sent_to": "https://host/v1", "model_memory": 0})
    _, sent, taken = told(far)
    assert sent == "About 44,000 texts, 1,500,000 tokens, are sent to https://host/v1."
    assert "its model" not in taken
