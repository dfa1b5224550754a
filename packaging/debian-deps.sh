#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# debian-deps.sh build|test: installs from Debian 12 what building (and testing) needs, if it is missing.
set -eu

build="gcc make autoconf automake libtool pkg-config libc6-dev libevent-dev libsqlite3-dev libssl-dev libyaml-dev
 libcjson-dev libpcre2-dev libcurl4-openssl-dev libprotobuf-c-dev protobuf-c-compiler libgrpc-dev libcmocka-dev mosquitto-clients
 curl ca-certificates tzdata"
test="clang libclang-rt-14-dev tcc python3 mosquitto sqlite3 openssl procps git python3-yaml
 mandoc zsh fish"

case "${1:-build}" in
build) want=$build ;;
test) want="$build $test" ;;
*) echo "usage: debian-deps.sh build|test" >&2; exit 2 ;;
esac

missing=
for p in $want; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "not root, and no sudo: install these packages first:$missing" >&2; exit 1; }
    root=sudo
fi
# The mosquitto package must not start a broker of its own on the machine's port 1883.
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
