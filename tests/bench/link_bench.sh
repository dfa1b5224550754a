#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# link_bench.sh: memory and throughput of the link process, one JSON object a line. See link_bench.py. The build
# directory is TBE_BUILD, else build/; make tests/wire/fake_worker tests/cloud/testcloud first.
set -eu
exec python3 "$(dirname "$0")/link_bench.py" "$@"
