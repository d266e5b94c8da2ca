"""How fast the engine is on this machine: beside the peak of the processor, and beside numpy and PyTorch. Writes docs/performance.md.

    python benches/compare.py --out docs/performance.md [--quick] [--build] [--profile] [--skip training …]

Run it by a python that has what benches/peers/requirements.txt names, with cargo on the path, on a machine that does nothing else. A full run takes some 12 minutes, `--quick` 3, with smaller
sizes and fewer rounds; --build adds a clean build, --profile what bounds each training (perf, and a build that knows its lines). Ours and theirs take turns; before anything is timed both must have found the same numbers, or it ends with what differs.
Our side of the protocol is benches/rates.rs, theirs benches/peers/peer.py. What cargo builds with may be given as CARGO.
"""

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from compared import around, growth, pairs, profile
from compared.report import Report
from compared.sides import ROOT, Sides

SECTIONS = ["memory", "drawing", "spectrum", "readouts", "start", "tiers", "training", "growth"]


def said(*command):
    try:
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine(sides, quick):
    found = sides.peer.ask(do="versions")
    caches = []
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    for index in sorted(folder.glob("index*")):
        read = lambda name: (index / name).read_text().strip()
        caches.append(f"L{read('level')} {read('type').lower()} {read('size')}" + (f" for cores {read('shared_cpu_list')}" if read("shared_cpu_list") != "0" else ""))
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items() if name[0] != "t" or name == "torch")
    blas = ", ".join(sorted({f"{library.get('internal_api')} {library.get('version')} ({library.get('architecture', 'no kernels')})" for library in found["libraries"] if library.get("internal_api") != "openmp"}))
    changed = " with changes" if said("git", "status", "--porcelain", "-uno") not in ("", "unknown") else ""
    return [
        "# Performance",
        "",
        f"Written by `python benches/compare.py{' --quick' * quick}`; nothing in it was typed. Times are of the wall, medians of several rounds with the least and the most.",
        "",
        f"- {found['processor']}, {os.cpu_count()} cores; {'; '.join(caches) or 'caches unknown'}; {ram:.0f} GiB of memory; {platform.system()} {platform.release()}. Load at the start {load:.2f}.",
        f"- {said(sides.superpose, '--version')}, commit {said('git', 'rev-parse', '--short', 'HEAD')}{changed}; {said('rustc', '--version')}.",
        f"- {versions}; {blas}. Settings found fastest for numpy: {', '.join(f'{key}={value}' for key, value in sides.settings.items()) or 'none'}.",
        f"- {datetime.date.today()}. {sides.threads} threads on both sides where nothing else is said.",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="file to write; standard output if left out")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", action="store_true", help="time a clean build as well, which takes minutes")
    parser.add_argument("--profile", action="store_true", help="tell by perf where the time of a training goes, which builds once more")
    parser.add_argument("--skip", nargs="+", default=[], choices=SECTIONS, help="sections to leave out")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count()))
    args = parser.parse_args()
    wanted = lambda section: section not in args.skip
    begin = time.monotonic()
    sides, report = Sides(args.threads), Report()
    try:
        head = machine(sides, args.quick)
        tell = lambda what: print(f"{time.monotonic() - begin:5.0f} s  {what}", file=sys.stderr, flush=True)
        tell("pairs")
        measured = pairs.pairs(sides, report, args.quick)
        for section in ("memory", "drawing", "spectrum", "readouts"):
            if wanted(section):
                tell(section)
                getattr(around, section)(sides, report, args.quick)
        if wanted("start"):
            tell("start")
            around.start(sides, report, args.quick, args.build)
        if wanted("tiers"):
            tell("tiers")
            around.tiers(sides, report, args.quick)
        if wanted("training"):
            tell("training")
            around.training(sides, report, 1, 0.3 if args.quick else 1.0)
        if args.profile:
            tell("profile")
            profile.profile(sides, report)
        if wanted("growth"):
            tell("growth")
            growth.growth(sides, report, args.quick)
            if wanted("drawing"):
                growth.model(sides, report, measured)
        tell("done")
    finally:
        shutil.rmtree(sides.folder)
    text = report.text(head)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
