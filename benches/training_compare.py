"""Training steps beside those of PyTorch, in one run: training.rs and training_torch.py in turn, medians of several rounds, and ratios.

    python benches/training_compare.py [--rounds 3] [--seconds 1]

Run it by a python that has torch, with cargo on the path. On two threads PyTorch gets its best of one process with two threads and two processes with
one each (which many small models are faster in). Ours are two trainings on two threads. "one" is the best of PyTorch's ways for one model at a time in one
process; "all" the best of everything it can do. Rates are model-steps per second. On a machine with other work the columns "per core" tell more: model-steps
per second of processor time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHAPES = ["2x1", "20x5", "100x20", "1024x64"]
TARGETS = {("2x1", "one"): 40, ("2x1", "many"): 8, ("20x5", "all"): 12, ("100x20", "all"): 6, ("1024x64", "all"): 4}


def binary():
    command = ["cargo", "bench", "--bench", "training", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return next(line["executable"] for line in found if line.get("executable") and line["target"]["name"] == "training")


def torch(threads, seconds, n_processes):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    command = [sys.executable, str(HERE / "training_torch.py"), "--json", "--threads", str(threads), "--seconds", str(seconds)]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdout=pipe, text=True, env=environment) for _ in range(n_processes)]
    return [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--program", help="training.rs as it was built before, in place of building it")
    args = parser.parse_args()
    ours, theirs, versions = {}, {}, ""
    program = args.program or binary()
    for _ in range(args.rounds):
        out = subprocess.run([program, "--rates", str(args.seconds)], check=True, stdout=subprocess.PIPE, text=True).stdout
        for case in map(json.loads, out.splitlines()):
            ours.setdefault((case["shape"], case["models"], case["threads"]), []).append(case)
        for threads, n_processes in [(1, 1), (2, 1), (1, 2)]:
            found = torch(threads, args.seconds, n_processes)
            versions = found[0]["versions"]
            for cases in zip(*(part["rates"] for part in found)):
                key = (cases[0]["shape"], cases[0]["way"], threads, n_processes)
                rate = sum(case["rate"] for case in cases)
                core = statistics.mean(case["core_rate"] for case in cases)
                theirs.setdefault(key, []).append({"rate": rate, "core_rate": core})
    middle = lambda cases, column: statistics.median(case[column] for case in cases)

    print(versions)
    print(f"{'(n, m)':>10} {'way':>10} {'threads':>8} {'processes':>10} {'model-steps/s':>14} {'per core':>12}")
    for (shape, models, threads), cases in ours.items():
        print(f"{shape:>10} {f'ours, {models}':>10} {threads:>8} {1:>10} {middle(cases, 'rate'):>14.0f} {middle(cases, 'core_rate'):>12.0f}")
    for (shape, way, threads, processes), cases in theirs.items():
        print(f"{shape:>10} {way:>10} {threads:>8} {processes:>10} {middle(cases, 'rate'):>14.0f} {middle(cases, 'core_rate'):>12.0f}")

    print(f"\n{'(n, m)':>10} {'against':>8} {'ours':>12} {'PyTorch':>12} {'ratio':>8} {'per core':>9} {'target':>7}")
    for shape in SHAPES:
        for against in ["one", "many", "all"]:
            def is_peer(key):
                # "one": a process that trains one model; "many": 64 at a time.
                is_kind = {"one": key[1] != "batched" and key[3] == 1, "many": key[1] == "batched", "all": True}[against]
                return key[0] == shape and is_kind
            peers = {key: cases for key, cases in theirs.items() if is_peer(key)}
            # One model against one at a time on each thread; many against many.
            mine = {key: cases for key, cases in ours.items() if key[0] == shape and key[2] == 2 and (against != "one" or key[1] == 1)}
            if not peers:
                continue
            best = lambda of, column: max(middle(cases, column) for cases in of.values())
            rate, peer = best(mine, "rate"), best(peers, "rate")
            cores = best(mine, "core_rate") / best(peers, "core_rate")
            target = TARGETS.get((shape, against), "")
            print(f"{shape:>10} {against:>8} {rate:>12.0f} {peer:>12.0f} {rate / peer:>8.1f} {cores:>9.1f} {target:>7}")


if __name__ == "__main__":
    main()
