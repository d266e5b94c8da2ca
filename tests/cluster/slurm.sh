#!/usr/bin/env bash
# Slurm with three nodes on loopback: one node's daemon is killed in mid-run, a shard ends with 75 twice, and what is missing is submitted again.
set -euo pipefail
. "$(dirname "$0")/common.sh"

lacking=()
command -v slurmctld > /dev/null && command -v slurmd > /dev/null && command -v sbatch > /dev/null || lacking+=(slurm-wlm)
command -v munged > /dev/null || lacking+=(munge)
if [ ${#lacking[@]} -gt 0 ]; then
    apt-get update -qq
    # The daemons that these packages would start are not wanted: those of the test have a configuration of their own.
    had_policy=no
    [ -e /usr/sbin/policy-rc.d ] && had_policy=yes || { printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${lacking[@]}" > "$work/apt.log" 2>&1 || fail "apt-get install ${lacking[*]}"
    [ $had_policy = yes ] || rm -f /usr/sbin/policy-rc.d
fi

export SLURM_CONF="$work/slurm.conf"
daemons=()
tidy() {
    local job
    for job in $(timeout 5 squeue -h -t R -o %A 2> /dev/null); do kill_job "$job"; done
    for pid in "${daemons[@]}"; do kill -9 "$pid" 2> /dev/null || true; done
    rm -rf "$work"
}
trap tidy EXIT

base=$((21000 + $$ % 20000))
mkdir "$work/state" "$work/munge"
chmod 700 "$work/munge"
head -c 1024 /dev/urandom > "$work/munge/key"
chmod 600 "$work/munge/key"
cat > "$work/slurm.conf" <<END
ClusterName=spc
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$base
SlurmUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
JobRequeue=1
SlurmdTimeout=5
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((base + 1)) CPUs=1
NodeName=n2 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((base + 2)) CPUs=1
NodeName=n3 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((base + 3)) CPUs=1
PartitionName=all Nodes=ALL Default=YES State=UP
END

daemon() { # a name, a command that stays in the foreground
    local name=$1 && shift
    "$@" > "$work/$name.log" 2>&1 &
    pid=$!
    daemons+=($pid)
    disown
}
daemon munged munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge.socket" --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed"
await 20 test -S "$work/munge.socket"
daemon slurmctld slurmctld -D
declare -A node
for n in n1 n2 n3; do
    daemon $n slurmd -D -N $n
    node[$n]=$pid
done
await 30 sh -c '[ "$(sinfo -h -N -o %T | grep -c idle)" = 3 ]'

queue_is_empty() { [ -z "$(squeue -h)" ]; }
submit() { (cd "$work/study" && PATH="$work/bin:$PATH" superpose run study.toml --on slurm --shards 12 --out "$1" "${@:2}") || fail "it is not submitted"; }
# Kills what belongs to a job of this test: the daemon of its step, and what that has started.
kill_job() {
    local pid
    for pid in $(pgrep -f "^slurmstepd: \\[$1\\.") $(grep -lz "^SLURM_JOB_ID=$1\$" /proc/[0-9]*/environ 2> /dev/null | cut -d/ -f3); do
        if grep -qz "^SLURM_CONF=$SLURM_CONF\$" "/proc/$pid/environ" 2> /dev/null; then kill -9 "$pid" 2> /dev/null || true; fi
    done
}
# A node is gone: its daemon, and what that has started.
kill_node() {
    local job
    kill -9 "${node[$1]}"
    for job in $(squeue -h -w "$1" -t R -o %A); do kill_job "$job"; done
}
# Slurm lets a task that is requeued wait for two minutes; here it waits for 4 s, so that its node has forgotten that it was ended.
end_of_jobs() {
    local until=$((SECONDS + 90)) task
    local -A since=()
    while [ -n "$(squeue -h)" ]; do
        [ $SECONDS -lt $until ] || fail "the jobs do not end: $(squeue -h)"
        for task in $(squeue -h -r -t PD -o '%i %r' | sed -n 's/ BeginTime//p'); do
            [ -n "${since[$task]:-}" ] || since[$task]=$SECONDS
            if [ $((SECONDS - since[$task])) -ge 4 ]; then
                scontrol update JobId="$task" StartTime=now 2> /dev/null || true
                unset "since[$task]"
            fi
        done
        sleep 0.3
    done
}

say "== Slurm $(sinfo -V | cut -d' ' -f2), three nodes on loopback with a core each"
one_machine
say "-- a node's daemon is killed, and one shard ends with 75 twice"
anew
mkdir "$work/faulty"
touch "$work/hold-n2"
submit lost-node
await 60 at_least 4 ended
await 30 sh -c '[ -n "$(squeue -h -w n2 -t R)" ]'
kill_node n2
end_of_jobs
at_least 15 begun || fail "the task of the node that is gone was not begun again"
[ -d "$work/faulty/2" ] || fail "no shard has ended with 75 twice"
grep -q "Nodes n2 not responding" "$work/slurmctld.log" || fail "Slurm has not noticed that n2 is gone"
same lost-node
repeated

say "-- the array is cancelled in mid-run; the merge says what is missing, and the same command submits that"
anew
submit cancelled --sbatch-options "--partition=all --time=10 --comment='of a test'"
await 60 at_least 4 ended
scancel --name=study
end_of_jobs
log="$work/study/cancelled.parts/study.merge.log"
grep -q "^error: study.toml: not all units are there; left: superpose shard study.toml " "$log" || fail "the merge has not said what is left: $(cat "$log")"
[ ! -e "$work/study/cancelled" ] || fail "an unfinished study has results"
say "   superpose missing cancelled.parts: $(cd "$work/study" && "$superpose" missing cancelled.parts)"
submit cancelled
end_of_jobs
same cancelled
repeated
submit cancelled
end_of_jobs

say "-- what a shard costs beyond its work"
cat > "$work/study/small.toml" <<'END'
name = "small"
seed = 1
replicates = 100
concepts.count = 8
[[tiers]]
name = "a"
d_model = 8
embedding.fully_distributed = {}
[measure.overlap]
END
begun=$(date +%s%N)
(cd "$work/study" && "$superpose" run small.toml --on slurm --shards 20 --no-report)
end_of_jobs
[ -s "$work/study/results/small/small.csv" ] || fail "small.toml"
took=$((($(date +%s%N) - begun) / 1000000))
say "   20 shards of a millisecond in $took ms on two nodes: $((took / 20)) ms a shard, with Slurm looking for work every second"
say "Slurm: passed"
