#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bounds.sh: tbedgec bounds against bounds computed here. See bounds.py.
exec python3 "$(dirname "$0")/bounds.py"
