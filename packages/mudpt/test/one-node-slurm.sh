#!/usr/bin/env bash
# one-node-slurm.sh start DIR PORT | stop DIR: a Slurm of this machine alone, its files in DIR, controller on PORT and node daemon on the
# next one. Needs root, slurmctld, slurmd, sbatch and munged (Debian: slurm-wlm munge), and no systemd. Clients need SLURM_CONF=DIR/slurm.conf.
set -euo pipefail
mkdir -p "$2"
dir=$(cd "$2" && pwd)
host=$(hostname -s)
if [ "$1" = stop ]; then
  for name in slurmd slurmctld munged; do
    if [ -f "$dir/$name.pid" ]; then kill "$(cat "$dir/$name.pid")" 2>/dev/null || true; fi
  done
  exit 0
fi
mkdir -p "$dir/state" "$dir/spool" "$dir/log"
chmod 755 "$dir"
head -c 1024 /dev/urandom >"$dir/munge.key"
chmod 400 "$dir/munge.key"
cat >"$dir/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
SlurmctldPort=$3
SlurmdPort=$(($3 + 1))
JobRequeue=1
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=3600
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$dir/slurm.conf
# The daemons leave the terminal; what they hold open would keep the caller waiting.
munged --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
  --log-file="$dir/log/munged.log" --seed-file="$dir/munge.seed" --force >/dev/null 2>&1 </dev/null
slurmctld >/dev/null 2>&1 </dev/null
sleep 1
slurmd >/dev/null 2>&1 </dev/null
for _ in $(seq 20); do
  if sinfo -h -o %T 2>/dev/null | grep -q idle; then exit 0; fi
  sleep 0.5
done
echo "the node does not come up: $(tail -n 3 "$dir/log/slurmctld.log")" >&2
exit 4
