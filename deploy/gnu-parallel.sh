#!/bin/sh
# A sweep in N shards by GNU parallel (Debian package parallel), merged into OUT/whole:
#   deploy/gnu-parallel.sh 8 results/mine sweeps/link-and-memory.yaml --runs 100
# Asked again after an interruption, shards go on where they were. PARALLEL in the environment has further options of
# parallel, such as --sshloginfile hosts for several machines that share the folder.
set -eu
if [ $# -lt 3 ]; then
  echo "usage: $0 SHARDS OUT FILE [options of migsim sweep]" >&2
  exit 2
fi
shards=$1
out=$2
shift 2
migsim=${MIGSIM:-migsim}

# $migsim may be two words, such as "node bin/migsim.js". Braces may be YAML, so the index is called @shard@.
# shellcheck disable=SC2086
seq 0 $((shards - 1)) | parallel --will-cite --halt soon,fail=1 -q -I @shard@ \
  $migsim sweep "$@" --workers 1 --shard "@shard@/$shards" --out "$out/shard-@shard@"
# shellcheck disable=SC2086
$migsim merge "$out"/shard-* --out "$out/whole"
