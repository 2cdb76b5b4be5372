#!/usr/bin/env bash
# A Slurm of one node on the loopback interface, for tests: local.sh start|stop DIR. It needs root,
# and slurmctld, slurmd, slurm-client and munge of Debian. All its files are in DIR, and all its
# traffic is on 127.0.0.1. After the start, SLURM_CONF=DIR/slurm.conf is what its commands need.
set -euo pipefail
action=${1:-} dir=${2:-}
case $action in start | stop) ;; *) echo "usage: $0 start|stop DIR" >&2; exit 2 ;; esac
[ -n "$dir" ] || { echo "usage: $0 start|stop DIR" >&2; exit 2; }
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
export SLURM_CONF=$dir/slurm.conf

# end ends the process of a file, and waits for it.
end() {
	[ -s "$1" ] || return 0
	local pid
	pid=$(cat "$1")
	kill "$pid" 2>/dev/null || return 0
	for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
	kill -9 "$pid"
}

if [ "$action" = stop ]; then
	scancel --state=PENDING 2>/dev/null || true
	scancel 2>/dev/null || true
	end "$dir/slurmd.pid"
	end "$dir/slurmctld.pid"
	end "$dir/munge/pid"
	exit 0
fi

mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
host=$(hostname -s)
# Requeued jobs wait for cred_expire seconds, 120 if nothing is said. MaxArraySize is small, so that
# arrays are split. KillWait is what scancel leaves to a job.
cat >"$SLURM_CONF" <<C
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort=${SLURMCTLD_PORT:-16817}
SlurmdPort=${SLURMD_PORT:-16818}
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
ReturnToService=2
MaxArraySize=${MAX_ARRAY_SIZE:-1001}
MinJobAge=300
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=${CPUS:-$(nproc)} RealMemory=${MEMORY:-1000} State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP
C
[ -f "$dir/munge/key" ] || (umask 077; head -c 1024 /dev/urandom >"$dir/munge/key")
chmod 755 "$dir/munge"
munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
slurmctld -f "$SLURM_CONF" -L "$dir/slurmctld.log"
slurmd -f "$SLURM_CONF" -L "$dir/slurmd.log"
for _ in $(seq 100); do
	[ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ] && exit 0
	sleep 0.2
done
echo "the node does not become idle:" >&2
sinfo >&2 || true
tail -n 20 "$dir"/slurmctld.log "$dir"/slurmd.log >&2
exit 1
