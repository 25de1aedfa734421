#!/bin/sh
# A sweep as a Slurm array, a shard a task:
#   job=$(sbatch --parsable --array=0-31 deploy/slurm-array.sh results/mine sweeps/link-and-memory.yaml --runs 100)
#   sbatch --dependency=afterok:"$job" --wrap 'migsim merge results/mine/shard-* --out results/mine/whole'
# The folder must be one that all nodes see. A task that is preempted is queued again and goes on where it was.
#SBATCH --job-name=migsim-sweep
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=500M
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -eu
out=$1
shift
# --shard auto reads SLURM_ARRAY_TASK_ID, _MIN and _COUNT.
exec migsim sweep "$@" --shard auto --workers "${SLURM_CPUS_PER_TASK:-1}" \
  --out "$out/shard-$SLURM_ARRAY_TASK_ID"
