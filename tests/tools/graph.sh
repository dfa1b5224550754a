#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# graph.sh [--update]: pictures of chains. See graph.py.
exec python3 "$(dirname "$0")/graph.py" "$@"
