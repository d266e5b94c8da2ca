"""Training steps of PyTorch on the CPU, in model-steps per second: the peer of training.rs. Needs torch alone.

The model is x' = ReLU(h W + b) with h = x W^T, its loss the mean over samples of the squared error; a batch of 1024 fresh samples in every step, Adam.
Ways: "autograd" (fused Adam), "manual" (gradient by hand under no_grad, fused Adam), "compile" (torch.compile of the manual step, where it works),
"batched" (64 models by baddbmm, one batch for all, gradient by hand, Adam by hand on one tensor).

    python training_torch.py [--threads 1 2] [--seconds 2] [--ways autograd manual batched compile] [--shapes 2x1 20x5] [--json]
"""

import argparse
import json
import os
import sys
import time

SHAPES = {"2x1": (2, 1, 0.9), "20x5": (20, 5, 0.9), "100x20": (100, 20, 0.9), "1024x64": (1024, 64, 0.99)}
WAYS = ["autograd", "manual", "batched", "compile"]
BATCH, MODELS, RATE = 1024, 64, 1e-3


def samples(torch, n, sparsity):
    """One batch: where the uniform number u is below the density p, u / p is uniform again, so one number gives both choice and value."""
    p = 1.0 - sparsity
    u = torch.rand(BATCH, n)
    return torch.where(u < p, u * (1.0 / p), torch.zeros(()))


def start(torch, n, m, *models):
    torch.manual_seed(0)
    return torch.randn(*models, m, n) * (2.0 / (n + m)) ** 0.5, torch.zeros(*models, *([1] if models else []), n)


def autograd(torch, n, m, sparsity):
    w, b = (torch.nn.Parameter(x) for x in start(torch, n, m))
    adam = torch.optim.Adam([w, b], lr=RATE, fused=True)

    def step():
        x = samples(torch, n, sparsity)
        adam.zero_grad(set_to_none=True)
        answer = torch.relu(torch.addmm(b, x @ w.t(), w))
        ((answer - x) ** 2).sum().div(BATCH).backward()
        adam.step()

    return step, 1


def gradient(torch, x, w, b):
    h = x @ w.t()
    answer = torch.addmm(b, h, w).relu_()
    active = answer > 0
    g = answer.sub_(x).mul_(2.0 / BATCH).mul_(active)
    return torch.addmm((g @ w.t()).t() @ x, h.t(), g), g.sum(0)


def manual(torch, n, m, sparsity, compiled=False):
    w, b = start(torch, n, m)
    w.grad, b.grad = torch.zeros_like(w), torch.zeros_like(b)
    adam = torch.optim.Adam([w, b], lr=RATE, fused=True)

    def body(x, w, b):
        return gradient(torch, x, w, b)

    body = torch.compile(body) if compiled else body

    @torch.no_grad()
    def step():
        w.grad, b.grad = body(samples(torch, n, sparsity), w, b)
        adam.step()

    return step, 1


def compile(torch, n, m, sparsity):
    return manual(torch, n, m, sparsity, compiled=True)


def batched(torch, n, m, sparsity):
    w, b = start(torch, n, m, MODELS)
    w.grad, b.grad = torch.zeros_like(w), torch.zeros_like(b)
    adam = torch.optim.Adam([w, b], lr=RATE, fused=True)

    @torch.no_grad()
    def step():
        x = samples(torch, n, sparsity)
        # One product gives h of all models; the rest is batched.
        h = (x @ w.reshape(MODELS * m, n).t()).reshape(BATCH, MODELS, m).transpose(0, 1)
        answer = torch.baddbmm(b, h, w).relu_()
        active = answer > 0
        g = answer.sub_(x).mul_(2.0 / BATCH).mul_(active)
        back = torch.bmm(g, w.transpose(1, 2))
        encoding = (back.transpose(0, 1).reshape(BATCH, MODELS * m).t() @ x).reshape(MODELS, m, n)
        w.grad = torch.baddbmm(encoding, h.transpose(1, 2), g)
        b.grad = g.sum(1, keepdim=True)
        adam.step()

    return step, MODELS


def rate(step, models, seconds):
    """Model-steps per second over some seconds, after a warm-up, and per second of processor time."""
    begin, n = time.perf_counter(), 0
    while n < 5 or time.perf_counter() - begin < seconds / 4:
        step()
        n += 1
    begin, processor, n = time.perf_counter(), time.process_time(), 0
    while n < 5 or time.perf_counter() - begin < seconds:
        step()
        n += 1
    return n * models / (time.perf_counter() - begin), n * models / (time.process_time() - processor)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--json", action="store_true", help="one line of JSON in place of the table")
    args = parser.parse_args()
    # The pools are as large as the most threads that are asked for; they must be set before torch is loaded.
    for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]:
        os.environ[name] = str(max(args.threads))
    os.environ.setdefault("MKL_DYNAMIC", "FALSE")
    import torch

    # Denormal numbers are slow, and Adam's second moments come near them.
    torch.set_flush_denormal(True)
    rates, versions = [], f"torch {torch.__version__}, python {sys.version.split()[0]}, {torch.backends.cpu.get_cpu_capability()}"
    if not args.json:
        print(versions)
        print(f"{'(n, m)':>12} {'way':>10} {'threads':>8} {'model-steps/s':>14}")
    for shape in args.shapes:
        n, m, sparsity = SHAPES[shape]
        for way in args.ways:
            # 64 models of 1024 concepts do not fit the question: many models at once are small ones.
            if way == "batched" and n > 100:
                continue
            for threads in args.threads:
                torch.set_num_threads(threads)
                try:
                    found, of_core = rate(*globals()[way](torch, n, m, sparsity), args.seconds)
                except Exception as error:
                    print(f"{shape} {way}: {type(error).__name__}, left out", file=sys.stderr)
                    continue
                rates.append({"shape": shape, "way": way, "threads": threads, "rate": found, "core_rate": of_core})
                if not args.json:
                    print(f"{shape:>12} {way:>10} {threads:>8} {found:>14.0f}", flush=True)
    if args.json:
        print(json.dumps({"versions": versions, "rates": rates}))


if __name__ == "__main__":
    main()
