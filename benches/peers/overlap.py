"""Overlap: statistics of the cosines of all pairs of rows, as the measure `overlap` has them, in numpy and in PyTorch.

x is a float32 array, n rows (concepts) by d columns; a row has at least one entry that is not zero. c are the cosines of its n (n − 1)/2 pairs of rows. Every way returns the same dictionary:

    n_pairs, mean_cosine, mean_abs_cosine, mean_square_cosine, excess_kurtosis_cosine ⟨c⁴⟩/⟨c²⟩² − 3, coherence max |c|, zero_fraction,
    abs_cosine_p50, _p90, _p99, _p999 (nearest rank), and largest: the mean and the smallest over rows of the largest |c| of a row.

Left out, which favours these programs: the two statistics of the centred vectors, which the engine has from the same pass.

The tuned ways. Rows are divided by their lengths once. Tiles of `rows` × `columns` on and above the diagonal; the n × n matrix is never there, and the products of a
pair are made once. A tile stays in the second-level cache while everything is read from it: |c| in place; sums of |c|, c² and c⁴ along each row by BLAS in
float32, and over rows in float64; largest of each row and column; histogram over the top 16 bits of the pattern of |c|, which is 128 bins to the octave, by `bincount`. The sum of c needs no pairs:
Σ c = (|Σ x̂|² − Σ|x̂|²)/2. Threads take rows of tiles in turn, each with a BLAS of one thread, because an elementwise function of numpy has one thread only; numpy and torch
let go of the interpreter's lock in all that is used here.

    numpy_tuned     matmul, in-place ufuncs, sums by matmul and vecdot, bincount
    torch_tuned     mm, in-place functions, bincount

Tried and not faster: tiles of 64 × 512 to 1024 × 2048; the sums by one function of torch.compile; torch.histc and np.histogram (5 to 10 times slower than bincount); a GEMM with one factor
transposed beforehand.

The naive ways are what a notebook has: the whole matrix of cosines, the upper triangle copied out of it by index, and functions over that. Their quantiles are from 10,000 equal
bins (`np.histogram`, `torch.histc`), which takes less time than `np.quantile` or a sort, and is right to 0.0001; torch.histc counts in float32.

    numpy_naive, torch_naive

Time O(n² d). Memory: tuned O(n d) and 20 bytes × rows × columns × threads; naive 4 n² for the cosines, 8 n² for the indices, and more.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

# The f32 patterns of [0, 2), cut to their top 16 bits.
N_BINS = 0x4000
QUANTILES = [0.5, 0.9, 0.99, 0.999]
# Rows and columns of a tile: 1 MiB of float32, the best of those tried at n = 16384 and d = 64, 256 and 1024.
TILE = (512, 512)


def statistics(way, x, threads, tile=None):
    """The dictionary above. The order in which threads finish moves the last digit of sums."""
    return WAYS[way](x, threads, tuple(tile or TILE))


def numpy_tuned(x, threads, tile):
    return tuned(NumpyTile, x, threads, tile)


def torch_tuned(x, threads, tile):
    return tuned(TorchTile, x, threads, tile)


def named(c, size, largest, zeros, quantiles):
    """The numbers of a naive program: of all cosines, their sizes and the largest of each concept, arrays of either library."""
    square = c**2
    p50, p90, p99, p999 = map(float, quantiles)
    return {
        "n_pairs": len(c),
        "mean_cosine": float(c.mean()),
        "mean_abs_cosine": float(size.mean()),
        "mean_square_cosine": float(square.mean()),
        "excess_kurtosis_cosine": float((square**2).mean() / square.mean() ** 2 - 3.0),
        "coherence": float(size.max()),
        "zero_fraction": float(zeros),
        "abs_cosine_p50": p50,
        "abs_cosine_p90": p90,
        "abs_cosine_p99": p99,
        "abs_cosine_p999": p999,
        "largest_mean": float(largest.mean()),
        "largest_min": float(largest.min()),
    }


def numpy_naive(x, threads, tile):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = unit @ unit.T
    c = cosines[np.triu_indices(len(x), k=1)]
    size = np.abs(c)
    counts, edges = np.histogram(size, bins=10_000, range=(0.0, 1.0))
    quantiles = edges[1:][np.searchsorted(counts.cumsum(), [q * len(c) for q in QUANTILES])]
    np.fill_diagonal(cosines, 0.0)
    largest = np.abs(cosines).max(axis=1)
    return named(c, size, largest, (c == 0.0).mean(), quantiles)


def torch_naive(x, threads, tile):
    import torch

    torch.set_num_threads(threads)
    x = torch.from_numpy(x)
    unit = torch.nn.functional.normalize(x, dim=1)
    cosines = unit @ unit.T
    rows, columns = torch.triu_indices(len(x), len(x), offset=1)
    c = cosines[rows, columns]
    size = c.abs()
    counts = torch.histc(size, bins=10_000, min=0.0, max=1.0).double().cumsum(0)
    quantiles = ((int((counts < q * len(c)).sum()) + 1) / 10_000 for q in QUANTILES)
    largest = cosines.fill_diagonal_(0.0).abs().amax(dim=1)
    return named(c, size, largest, (c == 0.0).float().mean(), quantiles)


WAYS = {
    "numpy_tuned": numpy_tuned,
    "torch_tuned": torch_tuned,
    "numpy_naive": numpy_naive,
    "torch_naive": torch_naive,
}


def tuned(make, x, threads, tile):
    """Shares rows of tiles out to the threads and puts together what they found."""
    n, _ = x.shape
    height, width = min(tile[0], n), min(tile[1], n)
    unit = x / np.sqrt(np.vecdot(x, x))[:, np.newaxis]
    total = unit.sum(axis=0, dtype=np.float64)
    own = np.vecdot(unit, unit).sum(dtype=np.float64)
    sum_cos = (float(total @ total) - float(own)) / 2.0
    starts, lock = iter(range(0, n, height)), threading.Lock()

    def work():
        worker = make(unit, height, width)
        sums, counts, largest = np.zeros(3), np.zeros(N_BINS, np.int64), np.zeros(n, np.float32)
        while True:
            with lock:
                i = next(starts, None)
            if i is None:
                return sums, counts, largest
            for j in range(i, n, width):
                found, bins, by_row, by_column = worker.tile(i, min(i + height, n), j, min(j + width, n))
                sums += found
                counts += bins
                for place, values in ((slice(i, i + height), by_row), (slice(j, j + width), by_column)):
                    np.maximum(largest[place], values, out=largest[place])

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        parts = [future.result() for future in [pool.submit(work) for _ in range(threads)]]
    sum_abs, sum_square, sum_fourth = sum(part[0] for part in parts)
    counts, largest = sum(part[1] for part in parts), np.maximum.reduce([part[2] for part in parts])
    # A tile on the diagonal has zeros there and below.
    counts[0] -= sum(a * (a + 1) // 2 for a in (min(height, n - i) for i in range(0, n, height)))
    n_pairs = n * (n - 1) // 2
    p50, p90, p99, p999 = quantiles(counts, n_pairs)
    return {
        "n_pairs": n_pairs,
        "mean_cosine": sum_cos / n_pairs,
        "mean_abs_cosine": float(sum_abs) / n_pairs,
        "mean_square_cosine": float(sum_square) / n_pairs,
        "excess_kurtosis_cosine": float(n_pairs * sum_fourth / sum_square**2 - 3.0),
        "coherence": float(largest.max()),
        "zero_fraction": int(counts[0]) / n_pairs,
        "abs_cosine_p50": p50,
        "abs_cosine_p90": p90,
        "abs_cosine_p99": p99,
        "abs_cosine_p999": p999,
        "largest_mean": float(largest.mean(dtype=np.float64)),
        "largest_min": float(largest.min()),
    }


def quantiles(counts, n_pairs):
    """The middle of the first bin up to which a fraction q of the pairs lies; zero is exact."""
    ranks = np.clip(np.ceil(np.array(QUANTILES) * n_pairs).astype(np.int64), 1, n_pairs)
    bins = np.searchsorted(np.cumsum(counts), ranks).astype(np.uint32)
    middles = np.where(bins == 0, np.uint32(0), bins << np.uint32(16) | np.uint32(0x8000)).astype(np.uint32)
    return [float(value) for value in middles.view(np.float32)]


class NumpyTile:
    """Room for one tile and what is read from it."""

    def __init__(self, unit, height, width):
        self.unit = unit
        self.cosines, self.squares = (np.empty(height * width, np.float32) for _ in range(2))
        self.bins = np.empty(height * width, np.int64)
        self.ones = np.ones(width, np.float32)
        self.above = np.triu(np.ones((height, height), np.float32), 1)

    def tile(self, i, i_end, j, j_end):
        height, width = i_end - i, j_end - j
        size = height * width
        flat, bins = self.cosines[:size], self.bins[:size]
        c, square = flat.reshape(height, width), self.squares[:size].reshape(height, width)
        np.matmul(self.unit[i:i_end], self.unit[j:j_end].T, out=c)
        if i == j:
            c[:, :height] *= self.above[:height, :height]
        np.abs(c, out=c)
        sum_abs = np.matmul(c, self.ones[:width])
        np.multiply(c, c, out=square)
        sum_square = np.matmul(square, self.ones[:width])
        sum_fourth = np.vecdot(square, square)
        by_row, by_column = c.max(axis=1), c.max(axis=0)
        pattern = flat.view(np.uint32)
        np.right_shift(pattern, 16, out=pattern)
        np.copyto(bins, pattern)
        sums = [part.sum(dtype=np.float64) for part in (sum_abs, sum_square, sum_fourth)]
        return sums, np.bincount(bins, minlength=N_BINS), by_row, by_column


class TorchTile:
    """The same by torch, in a thread whose torch has one thread."""

    def __init__(self, unit, height, width):
        import torch

        torch.set_num_threads(1)
        self.torch = torch
        self.unit = torch.from_numpy(unit)
        self.cosines, self.squares = torch.empty(height * width), torch.empty(height * width)
        self.above = torch.ones(height, height).triu(1)

    def product(self, i, i_end, j, j_end):
        height, width = i_end - i, j_end - j
        c = self.cosines[: height * width].view(height, width)
        self.torch.mm(self.unit[i:i_end], self.unit[j:j_end].T, out=c)
        if i == j:
            c[:, :height] *= self.above[:height, :height]
        return c

    def tile(self, i, i_end, j, j_end):
        c = self.product(i, i_end, j, j_end).abs_()
        square = self.torch.mul(c, c, out=self.squares[: c.numel()].view(c.shape))
        sums = [square.sum(1), square.square_().sum(1)]
        sums = [float(part.sum(dtype=self.torch.float64)) for part in (c.sum(1), *sums)]
        by_row, by_column = c.amax(1).numpy(), c.amax(0).numpy()
        pattern = c.view(self.torch.int32).view(-1).bitwise_right_shift_(16)
        return sums, self.torch.bincount(pattern, minlength=N_BINS).numpy(), by_row, by_column
