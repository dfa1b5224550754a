#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# proto.sh: compares what the code generated from proto/ knows with the list of the wire: the facts file where it is
# there, else proto.list beside this script (what this script once derived; --derive prints it anew from the facts).
set -eu
LC_ALL=C
export LC_ALL
src=${TBE_SRC:-$(cd "$(dirname "$0")/../../.." && pwd)}
facts=${TBE_SHARED:-$src/../shared}/facts/edge-wire.csv

derive() {
    tail -n +2 "$facts" | tr -d '\r' | sort
}
if [ "${1-}" = --derive ]; then
    derive
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${TBE_BUILD:-.}/tests/unit/link/proto_list" >"$work/list"
sort "$work/list" >"$work/got"
if [ -f "$facts" ]; then
    derive >"$work/want"
    diff -u "$work/want" "$src/tests/unit/link/proto.list" || { echo "proto.list is not what the facts say"; exit 1; }
else
    echo "no $facts: compared with proto.list only"
    cp "$src/tests/unit/link/proto.list" "$work/want"
fi
diff -u "$work/want" "$work/got" || { echo "proto/ is not the wire"; exit 1; }
echo "proto: $(wc -l <"$work/got") lines as on the wire"
