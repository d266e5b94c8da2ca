#!/usr/bin/env bash
# Dask on three hosts without a shared folder: network namespaces of their own, on a bridge of their own. A worker, a host and the scheduler are killed in mid-run.
set -euo pipefail
. "$(dirname "$0")/common.sh"

venv="$here/.venv"
if ! cmp -s "$here/requirements.txt" "$venv/.installed"; then
    python3 -m venv "$venv" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv && python3 -m venv "$venv"; }
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/.installed"
fi
bare="$PATH"
export PATH="$venv/bin:$PATH"
tls=()

net="spc$$"
hosts=(hub a b c)
address() { # of a host
    case $1 in hub) echo 10.77.0.1 ;; a) echo 10.77.0.2 ;; b) echo 10.77.0.3 ;; c) echo 10.77.0.4 ;; esac
}
pids_on() { # of a host
    if [ $spaces = yes ]; then
        ip netns pids "$net-$1" 2> /dev/null
    elif [ -f "$work/$1.pid" ]; then
        # A shell and what it has started.
        pgrep -P "$(cat "$work/$1.pid")" || true
        cat "$work/$1.pid"
    fi
}
tidy() {
    local host
    for host in "${hosts[@]}"; do
        pids_on "$host" | xargs -r kill -9 2> /dev/null || true
        [ $spaces = yes ] && ip netns del "$net-$host" 2> /dev/null || true
    done
    umount "$work/study/full" 2> /dev/null || true
    rm -rf "$work"
}
spaces=yes
trap tidy EXIT

# All of it lies in namespaces: nothing is added to the network of this machine.
plug() { # a host into the bridge of the hub
    ip netns add "$net-$1"
    ip netns exec "$net-$1" ip link set lo up
    ip -n "$net-$1" link add eth0 type veth peer name "to-$1" netns "$net-hub"
    ip -n "$net-hub" link set "to-$1" master bridge up
    ip -n "$net-$1" addr add "$(address "$1")/24" dev eth0
    ip -n "$net-$1" link set eth0 up
}
make_hosts() {
    ip netns add "$net-hub" && ip -n "$net-hub" link set lo up && ip -n "$net-hub" link add bridge type bridge &&
        ip -n "$net-hub" addr add "$(address hub)/24" dev bridge && ip -n "$net-hub" link set bridge up && plug a && plug b && plug c
}
command -v ip > /dev/null || apt-get install -y -qq --no-install-recommends iproute2 || true
if ! (make_hosts) 2> "$work/namespaces.log"; then
    say "this machine makes no network namespaces ($(tail -n 1 "$work/namespaces.log")): all hosts are its loopback"
    for host in "${hosts[@]}"; do ip netns del "$net-$host" 2> /dev/null || true; done
    spaces=no
    address() { echo 127.0.0.1; }
fi
on() { # a host, a command
    local host=$1 && shift
    if [ $spaces = yes ]; then ip netns exec "$net-$host" "$@"; else "$@"; fi
}

# A host that goes without a word is noticed after seconds, not after the minutes that Dask gives it.
export DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=4s DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP=12s DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT=4s
export DASK_DISTRIBUTED__ADMIN__LOG_FORMAT='%(message)s'
port=$((20000 + $$ % 20000))
scheduler="tcp://$(address hub):$port"
start_scheduler() {
    on hub dask scheduler "${tls[@]}" --host "$(address hub)" --port "$port" --dashboard-address :0 --no-show > "$work/scheduler.log" 2>&1 &
    echo $! > "$work/hub.pid"
    disown
    await 30 grep -q "Scheduler at" "$work/scheduler.log"
}
start_worker() { # on a host, with a folder first on its path; it sees nothing of the study's folder
    local host=$1 bin=${2:-$work/bin} hide=()
    [ $spaces = yes ] && hide=(unshare -m bash -c 'mount -t tmpfs none "$0" && exec "$@"' "$work/study")
    mkdir -p "$work/$host"
    [ $spaces = yes ] && ip -n "$net-hub" link set "to-$host" up
    PATH="$bin:$venv/bin:$bare" on "$host" "${hide[@]}" dask worker "$scheduler" "${tls[@]}" --host "$(address "$host")" --name "$host" --nthreads 1 --no-nanny \
        --no-dashboard --local-directory "$work/$host" > "$work/worker-$host.log" 2>&1 &
    echo $! > "$work/$host.pid"
    disown
}
# Without the binary of this environment before it on the path of a worker.
rm -f "$venv/bin/superpose"
n_workers() { on hub python3 -c "from distributed import Client; Client('$scheduler', timeout='5s').wait_for_workers($1, timeout=60)" || fail "no $1 workers"; }
run() { # the study, into a folder, in the background
    (cd "$work/study" && exec_on_hub "$superpose" run study.toml --on dask --scheduler "$scheduler" --shard-seconds 0.4 --out "$1" --quiet "${@:2}") > "$work/run-${1//\//-}.log" 2>&1 &
    run_pid=$!
}
exec_on_hub() { if [ $spaces = yes ]; then exec ip netns exec "$net-hub" "$@"; else exec "$@"; fi; }
ends() { # with a code
    local code=0
    wait "$run_pid" || code=$?
    [ $code = "$1" ] || fail "the run ended with $code, not $1"
}
kill_host() { # nothing is said to anybody
    [ $spaces = yes ] && ip -n "$net-hub" link set "to-$1" down
    pids_on "$1" | xargs -r kill -9 2> /dev/null || true
}

say "== Dask $("$venv/bin/python" -c 'import distributed; print(distributed.__version__)'), one thread on each of three hosts"
one_machine
start_scheduler
for host in a b c; do start_worker $host; done
n_workers 3

say "-- a worker is killed, and one shard ends with 75 twice"
anew
mkdir "$work/faulty"
run killed-worker
await 60 at_least 4 ended
pids_on a | xargs -r kill -9 2> /dev/null || true
ends 0
[ -d "$work/faulty/2" ] || fail "no shard has ended with 75 twice"
same killed-worker
repeated

say "-- a host is gone, without a word"
start_worker a
n_workers 3
anew
run lost-host
await 60 at_least 4 ended
kill_host b
ends 0
same lost-host
repeated

say "-- the scheduler is killed; another one is started, and the same command goes on"
anew
run lost-scheduler
await 60 at_least 4 ended
kill -9 "$(pids_on hub | while read -r pid; do grep -qzx scheduler "/proc/$pid/cmdline" && echo "$pid"; done | head -n 1)"
ends 75
say "   $(cat "$work/run-lost-scheduler.log")"
grep -q "is gone" "$work/run-lost-scheduler.log" || fail "nothing is said of the scheduler"
for host in a c; do pids_on $host | xargs -r kill -9 2> /dev/null || true; done
start_scheduler
for host in a c; do start_worker $host; done
n_workers 2
run lost-scheduler
ends 0
same lost-scheduler
repeated

stop_cluster() { for host in a b c hub; do pids_on $host | xargs -r kill -9 2> /dev/null || true; done; }
said() { # what a run has said, in full
    [ "$(cat "$work/run-$1.log")" = "error: $2" ] || fail "$1 has said: $(cat "$work/run-$1.log")"
    say "   $2"
}

say "-- a cluster of this machine, told to stop in mid-run"
anew
(cd "$work/study" && PATH="$work/bin:$PATH" exec_on_hub "$superpose" run study.toml --on dask --workers 2 --shard-seconds 0.4 --out stopped --progress json) > "$work/run-stopped.log" 2>&1 &
run_pid=$!
await 60 grep -q '"done":[1-9]' "$work/run-stopped.log"
kill -TERM $run_pid
ends 143
said_so="$(tail -n 1 "$work/run-stopped.log")"
[[ "$said_so" =~ ^interrupted:\ [0-9]+\ of\ 160\ units\ are\ done\ and\ saved ]] || fail "it has said: $said_so"
say "   $said_so"
nothing_runs() {
    for pid in $(pgrep -f "superpose_on_dask.py|shard .*study.toml"); do
        ! grep -qz "$work" "/proc/$pid/environ" 2> /dev/null || return 1
    done
}
# Shards end as soon as they see that their worker has.
await 2 nothing_runs
(cd "$work/study" && "$superpose" run study.toml --out stopped --quiet)
same stopped

say "-- a disk is full where the study is driven"
mkdir "$work/study/full"
if mount -t tmpfs -o size=20m none "$work/study/full" 2> /dev/null; then
    anew
    (cd "$work/study" && exec_on_hub "$superpose" run study.toml --on dask --scheduler "$scheduler" --shard-seconds 0.4 --out full/run --quiet --no-report) > "$work/run-full.log" 2>&1 &
    run_pid=$!
    await 30 test -e "$work/study/full/run/store.redb"
    dd if=/dev/zero of="$work/study/full/filler" bs=64k 2> /dev/null || true
    ends 7
    said full "full/run/store.redb: cannot be read or written: No space left on device (os error 28); finished work is kept, and the same command goes on"
    rm "$work/study/full/filler"
    run full/run
    ends 0
    same full/run
    umount "$work/study/full"
else
    say "   this machine mounts nothing: left out"
fi

say "-- workers that cannot take part"
mkdir "$work/old" "$work/none"
printf '#!/bin/sh\necho superpose 0.0.9\n' > "$work/old/superpose"
chmod 755 "$work/old/superpose"
stop_cluster
start_scheduler
start_worker a "$work/old"
start_worker b "$work/none"
start_worker c
n_workers 3
run refused
ends 7
# Ports of workers are as they come.
sed -i -E 's/(10\.77\.0\.[0-9]+|127\.0\.0\.1):[0-9]+/\1:PORT/g' "$work/run-refused.log"
said refused "2 of 3 workers cannot take part: tcp://$(address a):PORT has superpose 0.0.9; tcp://$(address b):PORT has no superpose on its path; this is $("$superpose" --version), and all must have the same"
[ ! -e "$work/study/refused/study.csv" ] || fail "it has run"

say "-- no scheduler is there"
stop_cluster
run nobody
ends 75
grep -q "^error: $scheduler: no Dask scheduler answers there (" "$work/run-nobody.log" || fail "$(cat "$work/run-nobody.log")"
say "   $(sed 's/^error: //' "$work/run-nobody.log")"

say "-- over TLS, and what a shard costs beyond its work"
(
    cd "$work"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 1 -subj /CN=ca
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request.pem -subj /CN=cluster
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 1
) > "$work/openssl.log" 2>&1 || fail openssl
tls=(--tls-ca-file "$work/ca.pem" --tls-cert "$work/cert.pem" --tls-key "$work/key.pem")
scheduler="tls://$(address hub):$port"
start_scheduler
start_worker a
start_worker c
await 30 grep -q "Registered to" "$work/worker-a.log"
await 30 grep -q "Registered to" "$work/worker-c.log"
# Half of its units read a file beside the scenario's folder, which workers do not see: it is sent along.
mkdir "$work/study/deep" "$work/study/data"
awk 'BEGIN { for (i = 0; i < 64; i++) { printf "word%d", i; for (j = 0; j < 32; j++) printf " %.3f", sin(i * i + 1.7 * j); print "" } }' > "$work/study/data/words.txt"
cat > "$work/study/deep/small.toml" <<'END'
name = "small"
seed = 1
replicates = 200
[concepts]
count = 64
[[tiers]]
name = "drawn"
d_model = 256
embedding.fully_distributed = {}
[[tiers]]
name = "read"
embedding.file = { path = "../data/words.txt" }
[measure.overlap]
END
(cd "$work/study" && "$superpose" run deep/small.toml --out small-one --quiet --no-report)
anew
begun=$(date +%s%N)
(cd "$work/study" && on hub "$superpose" run deep/small.toml --on dask --scheduler "$scheduler" "${tls[@]}" --shard-seconds 0.001 --out small --quiet --no-report) || fail "small.toml"
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
took=$((($(date +%s%N) - begun) / 1000000))
say "   $(n_of ended) shards of a millisecond in $took ms on two workers: $((took / $(n_of ended))) ms a shard, the start of Python and Dask included"
cmp "$work/study/small/small.csv" "$work/study/small-one/small.csv" || fail "small is not what one machine writes"
for pid in $(pids_on hub); do
    if grep -qzx scheduler "/proc/$pid/cmdline"; then say "   the scheduler took $(($(ticks "$pid") * 10)) ms of processor time, its start included"; fi
done
say "Dask: passed"
