"""The two sides of the comparison: processes that answer one JSON line with one JSON line, and processes that run to their end."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
ROOT = BENCHES.parent
PEER = BENCHES / "peers" / "peer.py"
CARGO = os.environ.get("CARGO", "cargo")


class Side:
    """A process that answers. What it says beside answers is thrown away."""

    def __init__(self, command, environment=None):
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=none, text=True, env=environment)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"ok": false, "error": "the process ended"}')
        if not answer["ok"]:
            raise RuntimeError(f"{request}: {answer['error']}")
        return answer

    def close(self):
        """Ends it; its peak memory in bytes."""
        self.process.stdin.close()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        return usage.ru_maxrss * 1024


class Sides:
    """Ours, and a peer with the settings that were found to be fastest for products, and another with those for sorting as well."""

    def __init__(self, threads):
        self.threads = threads
        self.superpose, rates, self.training = built()
        out = subprocess.run([sys.executable, str(PEER), "--settings"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.settings = json.loads(out.stdout)
        self.ours = Side([rates])
        self.peer = self.new_peer()
        self.folder = Path(tempfile.mkdtemp(prefix="superpose-compare-"))

    def new_peer(self, sorting=False):
        taken = {key: value for key, value in self.settings.items() if sorting or key == "OPENBLAS_CORETYPE"}
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENBLAS_", "NPY_"))}
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        return Side([sys.executable, str(PEER)], kept | threads | taken)


def built():
    """Paths of the binary, of rates and of training, built as a release."""
    command = [CARGO, "build", "--release", "--message-format=json"]
    parts = {"superpose": "--bin", "rates": "--bench", "training": "--bench"}
    return [program_of([*command, kind, name], name) for name, kind in parts.items()]


def program_of(command, name):
    """The path of a program that cargo is to build."""
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return next(line["executable"] for line in lines if line.get("executable") and line["target"]["name"] == name)


def to_its_end(command, **options):
    """Wall and processor seconds and peak memory in bytes of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {said}")
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "bytes": usage.ru_maxrss * 1024}
