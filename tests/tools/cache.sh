#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cache.sh: an unchanged program is not built again, a changed one always is. See cache.py.
exec python3 "$(dirname "$0")/cache.py"
