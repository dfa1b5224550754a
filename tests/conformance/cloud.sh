#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cloud.sh [FILE...]: replays recorded exchanges between a ThingsBoard cloud and an edge: the test cloud says what the
# cloud said, tbedge has to do and to send what the edge did. Last line: N passed, N failed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -eq 0 ]; then
    shared=${TBE_SHARED:-$here/../../../shared}
    set -- "$shared"/facts/cloud-transcripts/*.jsonl
    if [ ! -e "$1" ]; then
        echo "skipped: no $shared/facts/cloud-transcripts"
        exit 0
    fi
fi
exec python3 "$here/cloud_replay.py" "$@"
