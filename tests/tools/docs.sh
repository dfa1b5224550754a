#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs.sh: manual pages and completions are complete and load. See docs.py.
exec python3 "$(dirname "$0")/docs.py"
