#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fmt.sh: tbedgec fmt loses nothing. See fmt.py.
exec python3 "$(dirname "$0")/fmt.py"
