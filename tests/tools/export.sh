#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# export.sh: tbedge export has every stored point, also of keys without a latest value. See export.py.
exec python3 "$(dirname "$0")/export.py"
