"""Passages of a generation: some of them are read as all of them are."""

import numpy as np
import pytest
from sqlalchemy.orm import Session

from indexer.build.passage_rows import LOOKED_UP, passage_activations, passage_embeddings, passage_texts
from search.db.lookup import live_generation
from search.index.passage_store import read_activations, read_dictionary, read_embeddings, read_texts
from tests.support.indexed import Indexed

pytestmark = pytest.mark.database


def test_some_passages_are_read_as_all_are(indexed: Indexed) -> None:
    with Session(indexed.database) as session:
        generation = live_generation(session, indexed.collection)
        dictionary = read_dictionary(session, generation.dictionary_id)
        x_ND = read_embeddings(session, generation.id)
        _, acts_NF = read_activations(session, generation.id, dictionary)
        texts = list(read_texts(session, generation.id))
        assert len(x_ND) > LOOKED_UP  # more than are looked up at a time
        for ids in ([], [0], [*range(1, len(x_ND), 2)], [*range(len(x_ND))]):
            np.testing.assert_array_equal(
                passage_embeddings(session, generation.id, ids).reshape(
                    len(ids), -1 if ids else x_ND.shape[1]
                ),
                x_ND[ids],
            )
            chosen = passage_activations(session, generation.id, ids, dictionary)
            assert chosen.shape == (len(ids), dictionary.features)
            assert (chosen != acts_NF[ids]).nnz == 0
        backwards = [*range(len(x_ND))][::-1]
        found = passage_texts(session, generation.id, backwards)
        assert [(number, f"{title}\n{text}") for number, title, text in found] == [
            (number, texts[number]) for number in backwards
        ]
