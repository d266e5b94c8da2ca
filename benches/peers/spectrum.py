"""Spectrum: eigenvalues of the d × d covariance of the rows of x, n rows by d columns, and the three ranks read from them.

λ are the eigenvalues of C = X̃ᵀX̃, or of X̃X̃ᵀ for n < d, with X̃ the rows less their mean, in float64, by `numpy.linalg.eigvalsh` (LAPACK, divide and conquer) or `torch.linalg.eigvalsh`.
participation_ratio = (Σλ)²/Σλ², effective_rank = exp of the entropy of σ/Σσ with σ = √λ, stable_rank = Σλ/λ₁, as the measure `spectrum` has them.
C is formed by one product, for which BLAS makes half of the entries and copies the rest. Forming C and its eigenvalues are timed apart. O(n d min(n, d) + min(n, d)³) time.
"""

import time

import numpy as np


def spectrum(way, x, threads):
    """The ranks, and seconds of forming the covariance and of its eigenvalues."""
    start = time.perf_counter()
    centred = x - x.mean(axis=0, dtype=np.float64)
    if way == "torch":
        import torch

        torch.set_num_threads(threads)
        centred = torch.from_numpy(centred)
    covariance = centred.T @ centred if len(x) >= x.shape[1] else centred @ centred.T
    formed = time.perf_counter()
    if way == "torch":
        eigenvalues = torch.linalg.eigvalsh(covariance).numpy()
    else:
        eigenvalues = np.linalg.eigvalsh(covariance)
    end = time.perf_counter()
    return ranks(eigenvalues), {"covariance": formed - start, "eigenvalues": end - formed}


def ranks(eigenvalues):
    eigenvalues = np.maximum(eigenvalues, 0.0)
    # What is left of a direction that centring makes zero is rounding.
    sigma = np.sqrt(eigenvalues[eigenvalues > eigenvalues[-1] * np.finfo(np.float64).eps * len(eigenvalues)])
    p = sigma / sigma.sum()
    return {
        "participation_ratio": float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum()),
        "effective_rank": float(np.exp(-(p * np.log(p)).sum())),
        "stable_rank": float(eigenvalues.sum() / eigenvalues[-1]),
    }
