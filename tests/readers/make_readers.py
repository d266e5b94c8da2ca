"""Writes one small matrix in every format that superpose reads, with the programs that people use.

    pip install numpy==2.4.6 safetensors==0.8.0 gensim==4.4.0 pandas==3.1.1 ml_dtypes==0.6.0
    python tests/readers/make_readers.py

The values are multiples of 1/4 below 32, so that every type from bfloat16 to f64 holds them exactly and all files are one matrix.
"""

import json
from pathlib import Path

import gensim
import ml_dtypes
import numpy as np
import pandas as pd
from safetensors.numpy import save_file

HERE = Path(__file__).parent
N, D = 6, 4
W = np.array([[((7 * i + 3 * j + 1) % 17 - 8) / 4 for j in range(D)] for i in range(N)])
WORDS = ["the", "cat", "New_York", "naïve", ",", "3.14"]
assert (np.linalg.norm(W, axis=1) > 0).all()


def npy():
    np.save(HERE / "f2.npy", W.astype("<f2"))
    np.save(HERE / "f4.npy", W.astype("<f4"))
    np.save(HERE / "f8_fortran_big.npy", np.asfortranarray(W.astype(">f8")))


def npz():
    other = np.arange(3.0)
    np.savez(HERE / "stored.npz", w=W.astype("<f4"), other=other)
    np.savez_compressed(HERE / "packed.npz", w=W.astype("<f4"), fortran=np.asfortranarray(W))


def safetensors():
    tensors = {
        "f16": W.astype("float16"),
        "bf16": W.astype(ml_dtypes.bfloat16),
        "embeddings.f32": W.astype("float32"),
        "f64": W,
        "ids": np.arange(4, dtype="int64")[None],
        "bias": np.ones(4, dtype="float32"),
    }
    save_file(tensors, HERE / "model.safetensors", metadata={"format": "np"})
    shards = {"model-00001-of-00002.safetensors": ["f16", "bias"], "model-00002-of-00002.safetensors": ["embeddings.f32"]}
    for file, names in shards.items():
        save_file({name: tensors[name] for name in names}, HERE / file)
    weight_map = {name: file for file, names in shards.items() for name in names}
    index = {"metadata": {"total_size": 160}, "weight_map": weight_map}
    (HERE / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def word2vec():
    vectors = gensim.models.KeyedVectors(D, dtype=np.float32)
    vectors.add_vectors(WORDS, W.astype("f4"))
    # Without counts, gensim would order the words by themselves.
    vectors.save_word2vec_format(HERE / "gensim.txt", binary=False, sort_attr=None)
    vectors.save_word2vec_format(HERE / "gensim.bin", binary=True, sort_attr=None)
    # The original program: fprintf(fo, "%s ", word), the floats, fprintf(fo, "\n").
    rows = b"".join(word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(WORDS, W.astype("<f4")))
    (HERE / "word2vec.bin").write_bytes(f"{N} {D}\n".encode() + rows)


def text():
    numbers = [" ".join(f"{x:g}" for x in row) for row in W]
    # GloVe: no first line; its 840B file has words with spaces, like ". . .".
    words = [", . .", *WORDS[1:]]
    (HERE / "glove.txt").write_text("".join(f"{word} {row}\n" for word, row in zip(words, numbers)))
    # fastText ends every line with a space.
    (HERE / "fasttext.vec").write_text(f"{N} {D}\n" + "".join(f"{word} {row} \n" for word, row in zip(WORDS, numbers)))
    np.savetxt(HERE / "savetxt.txt", W)


def table():
    frame = pd.DataFrame(W, index=pd.Index(WORDS, name="word"), columns=[f"x{j}" for j in range(D)])
    frame.to_csv(HERE / "named.csv")
    frame.to_csv(HERE / "named.tsv", sep="\t")
    pd.DataFrame(W).to_csv(HERE / "pandas.csv")
    frame.assign(word=WORDS).to_csv(HERE / "last.csv", index=False)
    np.savetxt(HERE / "bare.csv", W, delimiter=",")
    (HERE / "names.txt").write_text("".join(word + "\n" for word in WORDS))


def refused():
    """What must not be read: pickles, and what no vector can be."""
    np.save(HERE / "objects.npy", np.array([[{"a": 1}, None]], dtype=object), allow_pickle=True)
    torn = W.astype("<f4")
    torn[1], torn[4, 2] = 0, np.nan
    np.save(HERE / "torn.npy", torn)


if __name__ == "__main__":
    for make in (npy, npz, safetensors, word2vec, text, table, refused):
        make()
