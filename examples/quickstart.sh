#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh [--once]: from a fresh clone to a running edge. Installs what is missing, builds in build/,
# compiles examples/thermostat, starts tbedge, publishes a few readings over MQTT and HTTP, shows what was
# stored and what waits for the cloud, and stays up (--once: ends with status 0).
# Ports and data directory come from the environment: MQTT_BIND_PORT, HTTP_BIND_PORT, TBEDGE_DATA.
set -eu
cd "$(dirname "$0")/.."
once=
case "${1:-}" in
"") ;;
--once) once=1 ;;
*) echo "usage: quickstart.sh [--once]" >&2; exit 2 ;;
esac

say() { printf '\n== %s\n' "$*"; }

say "what the build needs"
sh packaging/debian-deps.sh build
say "build"
sh packaging/build.sh build
PATH=$PWD/build:$PATH

mqtt=${MQTT_BIND_PORT:-1883}
http=${HTTP_BIND_PORT:-8080}
[ -z "$once" ] || { mqtt=${MQTT_BIND_PORT:-0}; http=${HTTP_BIND_PORT:-0}; }
if [ -n "${TBEDGE_DATA:-}" ]; then
    data=$TBEDGE_DATA
else
    data=$(mktemp -d "${TMPDIR:-/tmp}/tbedge.XXXXXX")
fi
token=T0kenThermostat

say "check and compile examples/thermostat/thermostat.yaml"
tbedgec check examples/thermostat/thermostat.yaml
tbedgec build -o "$data/thermostat" examples/thermostat/thermostat.yaml

say "add a device"
tbedge --data "$data" device list | grep -q '^Thermostat A7' ||
    tbedge --data "$data" device add "Thermostat A7" --token $token

say "start the edge"
MQTT_BIND_PORT=$mqtt HTTP_BIND_PORT=$http tbedge run --data "$data" "$data/thermostat" \
    >"$data/tbedge.out" 2>"$data/tbedge.log" &
pid=$!
trap 'kill $pid 2>/dev/null || :; wait $pid 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM
i=0
until grep -q '^ready ' "$data/tbedge.out"; do
    kill -0 $pid 2>/dev/null || { cat "$data/tbedge.log" >&2; exit 1; }
    i=$((i + 1))
    [ $i -lt 100 ] || { echo "tbedge is not ready after 10 s" >&2; cat "$data/tbedge.log" >&2; exit 1; }
    sleep 0.1
done
cat "$data/tbedge.out"
mqtt=$(sed -n 's/^ready .*mqtt=\([0-9]*\).*/\1/p' "$data/tbedge.out")
http=$(sed -n 's/^ready .*http=\([0-9]*\).*/\1/p' "$data/tbedge.out")

say "a thermostat publishes over MQTT, then over HTTP"
for t in 21.5 24 31.5; do
    mosquitto_pub -h 127.0.0.1 -p "$mqtt" -q 1 -u $token -t v1/devices/me/telemetry \
        -m "{\"temperature\":$t,\"humidity\":60}"
    echo "mosquitto_pub temperature=$t"
done
mosquitto_pub -h 127.0.0.1 -p "$mqtt" -q 1 -u $token -t v1/devices/me/attributes -m '{"firmware":"1.0.3"}'
curl -fsS -X POST -H 'Content-Type: application/json' -d '{"temperature":22.25,"humidity":58}' \
    "http://127.0.0.1:$http/api/v1/$token/telemetry"
echo "curl temperature=22.25"

say "what is stored"
tbedge --data "$data" export --device "Thermostat A7" --format csv
tbedge --data "$data" attr get "Thermostat A7"
say "what waits for the cloud"
tbedge --data "$data" status

if [ -n "$once" ]; then
    kill $pid
    wait $pid || :
    trap - EXIT
    [ -n "${TBEDGE_DATA:-}" ] || rm -rf "$data"
    say "done"
    exit 0
fi
say "the edge is up; stop it with Ctrl-C"
cat <<END
  MQTT        127.0.0.1:$mqtt   user name $token
  HTTP        http://127.0.0.1:$http/api/v1/$token/telemetry
  health      http://127.0.0.1:$http/healthz   metrics http://127.0.0.1:$http/metrics
  data        $data
  commands    build/tbedge --data $data status | device list | export | rpc ...
END
wait $pid
