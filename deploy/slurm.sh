#!/usr/bin/env bash
# Seven slices of a site as an array of jobs, on a file system that all nodes have:
#
#   slices=$(sbatch --parsable deploy/slurm.sh /scratch/calls)
#   sbatch --dependency=afterok:$slices --wrap 'peerpress merge --from /scratch/calls/snapshot \
#       --output /scratch/calls/site /scratch/calls/slices/*'
#
#SBATCH --job-name=peerpress
#SBATCH --array=1-7
#SBATCH --cpus-per-task=2
#SBATCH --mem=512M
set -euo pipefail
data=${1:?the folder with the snapshot}
peerpress build --from "$data/snapshot" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --output "$data/slices/$SLURM_ARRAY_TASK_ID" --threads "${SLURM_CPUS_PER_TASK:-0}"
