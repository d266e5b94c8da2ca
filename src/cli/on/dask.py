"""Carries shards of a study to Dask and their parts back.

`superpose run --on dask` starts this and writes to its standard input: a line of JSON (what to reach, what to carry), the bytes of the files that it names, then a line
for each shard, the numbers of its units. What comes back goes to standard output: a line of JSON, followed by as many bytes as it says. The end of the input is the end.
Which units, how many at once and what becomes of a part is decided there; where a shard runs, and what happens when a worker dies, is Dask's.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import CancelledError

# Whatever libraries print must not stand among the frames.
OUT = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)

# Exit codes of a shard that is done, or will be refused wherever it is tried.
SETTLED = (0, 2, 3, 4, 5)


def tell(what, content=b"", **words):
    """One frame. If nobody reads it any more, there is nothing left to do."""
    try:
        OUT.write(json.dumps({"is": what, **words, "bytes": len(content)}).encode() + b"\n" + content)
        OUT.flush()
    except BrokenPipeError:
        os._exit(1)


try:
    import dask
    from distributed import Client, LocalCluster, WorkerPlugin, get_worker
    from distributed.comm import CommClosedError
    from distributed.security import Security
except ImportError as error:
    tell("lacking", text=str(error))
    sys.exit(0)


def find(binary):
    """The binary: the one that was named, or that of this Python environment, or the one on the path."""
    here = os.path.dirname(sys.executable)
    return binary or shutil.which("superpose", path=os.pathsep.join([here, os.environ.get("PATH", "")]))


def version(binary):
    """What the binary of a worker says of itself."""
    binary = find(binary)
    if binary is None:
        return None
    done = subprocess.run([binary, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip() or f"a superpose that does not start: {line(done.stderr) or f'exit code {done.returncode}'}"


class Study(WorkerPlugin):
    """The scenario and its files, laid down on every worker, also on one that comes later."""

    def __init__(self, name, files):
        self.name, self.files = name, files

    def setup(self, worker):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="superpose-", dir=worker.local_directory))
        for path, content in self.files:
            path = os.path.normpath(os.path.join(self.folder, path))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)

    def teardown(self, worker):
        shutil.rmtree(self.folder, ignore_errors=True)


def shard(units, study, binary, scenario, words):
    """Computes a shard, on a worker. What may go well another time is raised, for Dask to try again; a refusal is an answer."""
    worker, begun = get_worker(), time.monotonic()
    folder, binary = worker.plugins[study].folder, find(binary)
    if binary is None:
        raise RuntimeError(f"{worker.address} has no superpose on its path")
    command = [binary, "shard", os.path.join(folder, scenario), units, "--stdout", "--until-eof", *words]
    with tempfile.TemporaryFile() as errors:
        # Its standard input ends when this worker does, however that comes, and then so does the shard.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process:
            part = process.stdout.read()
            code = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").replace(folder + os.sep, "").strip()
    if code not in SETTLED:
        raise RuntimeError(f"exit code {code} on {worker.address}: {said}")
    return worker.address, code, part, said, time.monotonic() - begun


def connect(asked):
    """The client of the scheduler that was asked for, or of a cluster in this process."""
    tls = {key: value for key, value in asked["tls"].items() if value}
    security = Security(require_encryption=True, **tls) if tls else None
    dask.config.set({"distributed.comm.timeouts.connect": "10s", "logging.distributed": "critical"})
    if asked["workers"]:
        # One worker with many threads: each waits for a process of its own.
        cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=asked["workers"],
            processes=False,
            dashboard_address=None,
            local_directory=asked["scratch"],
        )
        return Client(cluster)
    until = time.monotonic() + 10
    while asked["scheduler_file"] and not os.path.exists(asked["scheduler_file"]):
        # The client would wait for it without an end.
        if time.monotonic() > until:
            raise TimeoutError("there is no such file after 10 s")
        time.sleep(0.1)
    return Client(asked["scheduler"], scheduler_file=asked["scheduler_file"], security=security, timeout="10s")


def line(error):
    """An error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def main():
    asked = json.loads(sys.stdin.buffer.readline())
    files = [(path, sys.stdin.buffer.read(size)) for path, size in asked["files"]]
    try:
        client = connect(asked)
    except Exception as error:
        tell("unreachable", text=line(error))
        os._exit(0)

    def threads():
        return sum(client.nthreads().values())

    versions = client.run(version, asked["binary"], on_error="return")
    tell("workers", versions={worker: said if said is None else str(said) for worker, said in versions.items()}, threads=threads())
    study = Study(f"superpose-{uuid.uuid4().hex}", files)
    client.register_plugin(study, name=study.name)

    def take(future, units):
        """Takes a result out and lets it go at once: what sits on a worker that dies would be computed again."""
        try:
            worker, code, part, said, seconds = future.result()
            tell("part", part, units=units, worker=worker, code=code, said=said, seconds=seconds, threads=threads())
        except (CancelledError, CommClosedError):
            tell("lost")
        except Exception as error:
            tell("failed", units=units, text=line(error))
        future.release()

    for units in map(str.strip, sys.stdin):
        words = (units, study.name, asked["binary"], asked["scenario"], asked["words"])
        future = client.submit(shard, *words, key=f"superpose-{uuid.uuid4().hex}", retries=3, pure=False)
        future.add_done_callback(lambda future, units=units: take(future, units))
    try:
        client.unregister_worker_plugin(study.name)
        client.close(timeout=2)
    finally:
        os._exit(0)


main()
