"""Around the pass: memory, drawing, spectra, readouts, start-up, sizes, the whole of tiers.toml, training."""

import csv
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict

from .report import Sample, agree, time_of
from .sides import BENCHES, CARGO, ROOT, to_its_end

MB = 1e6


def scenario(sides, name, text):
    path = sides.folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def overlap_of(n, d, more=""):
    return f'name = "overlap"\n[concepts]\ncount = {n}\n[[tiers]]\nname = "a"\nd_model = {d}\nembedding.fully_distributed = {{}}\n[measure.overlap]\n{more}'


def run(sides, path, *flags, threads=None):
    with tempfile.TemporaryDirectory(dir=sides.folder) as out:
        threads = ["--threads", str(threads or sides.threads)]
        return to_its_end([sides.superpose, "run", path, "--quiet", "--out", f"{out}/results", *threads, *flags])


def memory(sides, report, quick):
    sizes = [(16384, 256), (30_000, 256)] if quick else [(16384, 256), (100_000, 256)]
    report.section("Memory", "Peak of a whole process, as the system tells it: `superpose run` of a scenario that draws the vectors and has their `overlap`, and `superpose measure` of the same vectors in a file. "
                   "The embedding has 4 n d bytes. Of the peers, a process that reads the file and answers once.")
    rows = []
    for n, d in sizes:
        file, size = sides.folder / "vectors.npy", 4 * n * d
        sides.ours.ask(do="save", n=n, d=d, file=str(file))
        path = scenario(sides, "memory", overlap_of(n, d))
        found = {"`superpose run`": run(sides, path, "--no-report")}
        measure = [sides.superpose, "measure", file, "--measure", "overlap", "--threads", str(sides.threads)]
        found["`superpose measure`"] = to_its_end(measure)
        if n == sizes[0][0]:
            for way in ("numpy_tuned", "torch_tuned", "numpy_naive", "torch_naive"):
                peer = sides.new_peer()
                answer = peer.ask(do="overlap", file=str(file), way=way)
                found[way.replace("_", ", ")] = {"seconds": answer["seconds"], "bytes": peer.close()}
        for who, taken in found.items():
            rows.append([f"{n} × {d}", who, f"{taken['bytes'] / MB:.0f} MB", f"{taken['bytes'] / size:.2f} ×", time_of(taken["seconds"])])
            if who.startswith("`"):
                report.target(f"{n} × {d}, {who}: peak memory less 32 MB, in embeddings", (taken["bytes"] - 32 * MB) / size, 3.1, 2.1, at_most=True, unit=" ×")
        os.remove(file)
    report.table(["n × d", "program", "peak of the process", "of the embedding", "time"], rows)


def drawing(sides, report, quick):
    rounds = 5 if quick else 15
    report.section("Drawing", f"Standard normal numbers, {rounds} rounds. Ours is an embedding with a stream for each concept, in memory that it takes itself; “the generator” fills an array that is there already, its pages touched, with xoshiro256++ and the ziggurat, one stream a thread; "
                   "“fresh” takes its memory too. numpy is SFC64, PyTorch `normal_`, both into an array that is there. The mean square was held within 5 standard errors of its theory.")
    rows = []
    for n, d in [(16384, 256), (2048, 10_923)]:
        for t in sorted({1, sides.threads}):
            times = defaultdict(Sample)
            for round_idx in range(rounds):
                answers = {
                    "ours": sides.ours.ask(do="draw", n=n, d=d, threads=t),
                    "fill": sides.ours.ask(do="fill", n=n, d=d, threads=t),
                    "fresh": sides.ours.ask(do="fill", n=n, d=d, threads=t, fresh=True),
                    "numpy": sides.peer.ask(do="draw", n=n, d=d, threads=t, way="numpy", seed=round_idx),
                    "torch": sides.peer.ask(do="draw", n=n, d=d, threads=t, way="torch", seed=round_idx),
                }
                for who, answer in answers.items():
                    square = answer["numbers"]["mean_square"] * (d if who == "ours" else 1)
                    if abs(square - 1) > 5 * (2 / (n * d)) ** 0.5:
                        raise SystemExit(f"drawing by {who}: a mean square of {square}")
                    times[who].append(answer["seconds"])
            rate = lambda who: f"{n * d / times[who].median / 1e6:.0f}"
            ratio = times["ours"].median / times["fill"].median
            rows.append([f"{n} × {d}", t, times["ours"], *(rate(who) for who in ("ours", "fill", "fresh", "numpy", "torch")), f"{ratio:.2f} ×"])
            report.target(f"drawing {n} × {d}, {t} thread{'s' * (t > 1)}: time against the generator's own", ratio, 1.3, at_most=True, unit=" ×")
            if d == 256:
                report.drawn[t] = n * d / times["ours"].median
    report.table(["n × d", "threads", "ours", "ours, million/s", "the generator", "fresh", "numpy", "PyTorch", "ours of the generator"], rows)


def spectrum(sides, report, quick):
    n, d, rounds = (2048, 1024, 2) if quick else (4096, 2048, 3)
    file = str(sides.folder / "vectors.npy")
    sides.ours.ask(do="save", n=n, d=d, file=file)
    report.section("Spectrum", f"n = {n}, d = {d}, {rounds} rounds: the d × d covariance and its eigenvalues in f64. Ours takes all threads where a unit is alone, to the same bits. Effective, stable rank and participation ratio were equal within 1e-6.")
    rows = []
    for t in sorted({1, sides.threads}):
        times = defaultdict(Sample)
        for _ in range(rounds):
            ours = sides.ours.ask(do="spectrum", n=n, d=d, threads=t)
            times["ours"].append(ours["seconds"])
            for way in ("numpy", "torch"):
                theirs = sides.peer.ask(do="spectrum", file=file, way=way, threads=t)
                agree(f"spectrum, {way}", ours["numbers"], theirs["numbers"], 1e-6, 0)
                times[way].append(theirs["seconds"])
        ratio = times["ours"].median / times["numpy"].median
        rows.append([t, times["ours"], times["numpy"], times["torch"], f"{ratio:.2f} ×"])
        report.target(f"spectrum, d = {d}, {t} thread{'s' * (t > 1)}: time against numpy", ratio, 1.3, at_most=True, unit=" ×")
    sides.peer.ask(do="forget")
    report.table(["threads", "ours", "numpy, tuned", "PyTorch", "ours of numpy"], rows)


def readouts(sides, report, quick):
    n, d, trials, rounds, threads = 16384, 1024, 1000, 3 if quick else 7, sides.threads
    file = str(sides.folder / "vectors.npy")
    sides.ours.ask(do="save", n=n, d=d, file=file)
    items, steps, candidates = [10, 25, 50], [1, 5, 20], 27
    # Rows of the embedding that are read: a trial adds K and compares D; the lengths take all of them once, in order.
    counts = {"bundling": trials * sum(k + candidates for k in items), "task": trials * sum(steps) * (10 + candidates)}
    rows = []
    for name, count in counts.items():
        times = defaultdict(Sample)
        for _ in range(rounds):
            ours = sides.ours.ask(do="measure", n=n, d=d, threads=threads, measure={name: {"trials": trials}})
            theirs = sides.peer.ask(do=name, file=file, trials=trials)
            agree(name, ours["numbers"], theirs["numbers"], 0, 5 * (0.5 / trials) ** 0.5)
            bound = 4 * d * count / sides.ours.ask(do="rows", n=n, d=d, count=count // 8, threads=threads)["numbers"]["bytes_per_second"]
            bound += 4 * n * d / sides.ours.ask(do="read", bytes=4 * n * d, threads=threads)["numbers"]["bytes_per_second"]
            for who, seconds in (("ours", ours["seconds"]), ("numpy", theirs["seconds"]), ("bound", bound)):
                times[who].append(seconds)
        rows.append(row(report, name, f"n = {n}, d = {d}, {trials} trials", times, "rows of the embedding read at random"))
    times, trials = defaultdict(Sample), 100
    for _ in range(rounds):
        times["ours"].append(sides.ours.ask(do="measure", n=n, d=d, threads=threads, measure={"retrieval": {"trials": trials}})["seconds"])
        rate = sides.ours.ask(do="read", bytes=4 * n * d, threads=threads)["numbers"]["bytes_per_second"]
        times["bound"].append(4 * n * d * (trials + 1) / rate)
    rows.append(row(report, "retrieval", f"n = {n}, d = {d}, {trials} trials", times, "the embedding read in order for each trial"))

    n, times = 4096, defaultdict(Sample)
    sides.ours.ask(do="save", n=n, d=d, file=file)
    for _ in range(rounds):
        ours = sides.ours.ask(do="measure", n=n, d=d, threads=threads, measure={"linear_readout": {}})
        theirs = sides.peer.ask(do="linear_readout", file=file)
        agree("linear_readout", ours["numbers"], theirs["numbers"], 1e-5, 1e-6)
        peak = peak64(sides, threads)
        rate = sides.ours.ask(do="read", bytes=8 * d * d, threads=threads)["numbers"]["bytes_per_second"]
        # Half of the Gram matrix, half of the reduction to a tridiagonal one by products of matrices; the other half by products with a vector, which read the triangle d times.
        times["bound"].append((n * d * d + 2 / 3 * d**3) / peak + 4 / 3 * d**3 / rate)
        times["ours"].append(ours["seconds"])
        times["numpy"].append(theirs["seconds"])
    rows.append(row(report, "linear_readout", f"n = {n}, d = {d}", times, "f64 multiply-adds, and reads of the matrix in the reduction"))
    lapack = 100 * times["bound"].median / times["numpy"].median

    n, times, trials, steps = 2048, defaultdict(Sample), 80, (2, 22)
    for _ in range(rounds):
        # None of the trials is decided so early, so that the difference is that many steps of all.
        few, many = (
            sides.ours.ask(do="measure", n=n, d=d, threads=threads, measure={"sparse_recovery": {"trials": trials, "active": [600], "iterations": count}})["seconds"] for count in steps
        )
        times["ours"].append(many - few)
        times["bound"].append((steps[1] - steps[0]) * trials * 4 * n * d / peak64(sides, threads))
    rows.append(row(report, "sparse_recovery", f"n = {n}, d = {d}, {trials} trials, {steps[1] - steps[0]} steps", times, "f64 multiply-adds"))

    n, d, times, trials = 1024, 8192, defaultdict(Sample), (64, 512)
    for _ in range(rounds):
        few, many = (
            sides.ours.ask(do="measure", n=n, d=d, threads=threads, measure={"associative_memory": {"trials": count, "sweeps": 1}})["seconds"] for count in trials
        )
        times["ours"].append(many - few)
        rate = lambda **what: sides.ours.ask(threads=threads, **what)["numbers"]["bytes_per_second"]
        in_order, at_random = rate(do="read", bytes=n * d), rate(do="rows", n=d, d=n // 4, count=200_000)
        times["bound"].append((trials[1] - trials[0]) * (2 / in_order + 1 / at_random) * n * d)
    rows.append(row(report, "associative_memory", f"n = {n}, d = {d}, {trials[1] - trials[0]} trials of one sweep", times, "reads of the signs, a byte each"))
    sides.peer.ask(do="forget")
    report.section(
        "Readouts",
        f"{rounds} rounds on {threads} threads beside numpy (`benches/peers/readout.py`), and the time that what bounds them would take, measured in the same round. Bundling and tasks: K vectors are added and D compared in "
        "each trial, each of them read once (the bound: a loop that adds up rows at random of an array of the same size), and all once in order for their lengths. Retrieval compares all concepts: the embedding is read in every trial. "
        "linear_readout: n d² operations for half a Gram matrix and ⅔ d³ at the measured f64 peak, and ⅔ d³ more in products of a matrix with a vector, which read 4/3 d³ bytes. "
        "sparse_recovery: two products with the d × n basis in each step of a trial, whose 4 n d operations are 2 n d multiply-adds; the time of steps 3 to 22, in which no trial ends. associative_memory: the overlaps with all patterns, a step and a sweep, "
        "each of which reads the sign of every unit in every pattern, the sweep by units at random; the time of the trials beyond the first. "
        "Fractions of right trials were equal within 5 standard errors, what has no trials within 1e-5.",
    )
    report.table(["measure", "size", "ours", "numpy", "bound by", "the bound", "reached"], rows)
    report.say(f"LAPACK, as numpy calls it with the settings above, reaches {lapack:.0f} % of the bound of linear_readout.")


def peak64(sides, threads):
    """Operations a second, f64."""
    return max(rate for name, rate in sides.ours.ask(do="peak", threads=threads)["numbers"].items() if name.startswith("f64"))


def row(report, name, size, times, bound):
    share = 100 * times["bound"].median / times["ours"].median
    report.target(f"{name}: of what bounds it", share, 50, unit=" %")
    return [name, size, times["ours"], times["numpy"] if "numpy" in times else "–", bound, times["bound"], f"{share:.0f} %"]


def start(sides, report, quick, build):
    rounds = 10 if quick else 30
    tiny = scenario(sides, "tiny", overlap_of(8, 8))
    times = defaultdict(Sample)
    for _ in range(rounds):
        for what, taken in (
            ("check", to_its_end([sides.superpose, "check", ROOT / "scenarios" / "tiers.toml"])),
            ("run", run(sides, tiny)),
            ("bare", run(sides, tiny, "--no-report")),
        ):
            times[what].append(taken["seconds"])
            times[what + " cpu"].append(taken["cpu_seconds"])
    size = os.path.getsize(sides.superpose) / MB
    report.section("Start-up and size", f"{rounds} rounds, of processes from their start to their end.")
    names = {"check": "`superpose check scenarios/tiers.toml`", "run": "`superpose run` of 8 concepts in 8 units", "bare": "the same with `--no-report`"}
    rows = [[name, times[what], times[what + " cpu"]] for what, name in names.items()] + [["release binary", f"{size:.1f} MB", ""]]
    report.target("`superpose check`, in ms", 1e3 * times["check"].median, 30, at_most=True)
    report.target("a run of one tiny point with figures and page, in ms", 1e3 * times["run"].median, 60, at_most=True)
    report.target("a run of one tiny point with `--no-report`, in ms", 1e3 * times["bare"].median, 60, at_most=True)
    report.target("release binary, in MB", size, 25, at_most=True)
    if build:
        command = [CARGO, "build", "--release", "--locked", "--jobs", str(sides.threads)]
        with tempfile.TemporaryDirectory() as target:
            taken = to_its_end(command, cwd=ROOT, env=dict(os.environ, CARGO_TARGET_DIR=target))
        rows.append([f"clean build with {sides.threads} jobs, crates downloaded before", time_of(taken["seconds"]), time_of(taken["cpu_seconds"])])
        report.target("clean build, in s", taken["seconds"], 180, at_most=True)
    report.table(["what", "measured", "processor time"], rows)


def tiers(sides, report, quick):
    rounds, path = 2 if quick else 5, ROOT / "scenarios" / "tiers.toml"
    times, peer, theirs = defaultdict(Sample), sides.new_peer(sorting=True), sides.folder / "theirs.csv"
    with tempfile.TemporaryDirectory(dir=sides.folder) as out:
        to_its_end([sides.superpose, "run", path, "--quiet", "--no-report", "--out", out])
        peer.ask(do="tiers", file=str(theirs))
        same_table(f"{out}/tiers.csv", theirs)
    for _ in range(rounds):
        times["bare"].append(run(sides, path, "--no-report")["seconds"])
        times["numpy"].append(peer.ask(do="tiers", file=str(theirs))["seconds"])
        times["report"].append(run(sides, path)["seconds"])
    peer.close()
    ratio = {key: times["numpy"].median / times[key].median for key in ("bare", "report")}
    report.section("The whole of tiers.toml", f"{rounds} rounds on {sides.threads} threads: the process of `superpose run scenarios/tiers.toml` from start to end, beside `benches/peers/tiers.py`, which writes a table with the same columns (its imports are not counted). "
                   "Before timing, means of all columns over the 20 replicates of each tier were equal within 5 standard errors or 2 % + 1e-6.")
    report.table(["program", "time", "ours is faster by"], [
        ["`superpose run --no-report`: the table", times["bare"], f"{ratio['bare']:.1f} ×"],
        ["`superpose run`: table, figures, page", times["report"], f"{ratio['report']:.1f} ×"],
        ["numpy: the table", times["numpy"], ""],
    ])
    report.target("tiers.toml, the same table: ahead of numpy", ratio["bare"], 5, unit=" ×")


def same_table(ours, theirs):
    ours, theirs = (list(csv.DictReader(open(path, encoding="utf-8"))) for path in (ours, theirs))
    shared = [name for name in theirs[0] if name in ours[0]][8:]
    if len(ours) != len(theirs) or not shared:
        raise SystemExit("tiers: the tables are of different shape")
    for tier in dict.fromkeys(row["tier"] for row in ours):
        for name in shared:
            a, b = ([row[name] for row in table if row["tier"] == tier] for table in (ours, theirs))
            if "" in a + b:
                if set(a) != set(b):
                    raise SystemExit(f"tiers: {name} of {tier} is empty in one table alone")
                continue
            a, b = [float(x) for x in a], [float(x) for x in b]
            error = ((statistics.variance(a) + statistics.variance(b)) / len(a)) ** 0.5
            off = abs(statistics.mean(a) - statistics.mean(b))
            if off > max(5 * error, 0.02 * abs(statistics.mean(b)) + 1e-6):
                raise SystemExit(f"tiers: {name} of {tier} differs by {off}, with a standard error of {error}")


def training(sides, report, rounds, seconds):
    command = [sys.executable, str(BENCHES / "training_compare.py"), "--rounds", str(rounds), "--seconds", str(seconds), "--program", sides.training]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    # The last table: shape, against, ours, theirs, ratio, by processor time, target.
    for line in out.rstrip().split("\n\n")[-1].splitlines()[1:]:
        words = line.split()
        if len(words) == 7:
            against = {"one": "one model at a time", "many": "64 models at a time", "all": "the best of all"}[words[1]]
            report.target(f"training steps of ({words[0].replace('x', ', ')}): ahead of PyTorch, {against}", float(words[4]), float(words[6]), unit=" ×")
    report.section("Training", f"`benches/training_compare.py --rounds {rounds} --seconds {seconds:g}`, on 2 threads: model-steps per second of toy models, batches of 1024 fresh samples, Adam.", "", "```", out.rstrip(), "```")
