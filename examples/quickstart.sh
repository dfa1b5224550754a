#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh [--once] [--with-cloud]: from a fresh clone to a running edge. Installs what is missing, builds in build/,
# compiles examples/thermostat, starts tbedge, publishes a few readings over MQTT and HTTP, shows what was
# stored and what waits for the cloud, and stays up (--once: ends with status 0).
# --with-cloud: starts a test cloud (tests/cloud) beside it instead of compiling a file: device and rule chain come from
# there, the readings go there, and a changed chain is pushed while the device stays connected.
# Ports and data directory come from the environment: MQTT_BIND_PORT, HTTP_BIND_PORT, TBEDGE_DATA.
set -eu
cd "$(dirname "$0")/.."
once='' cloud=''
for a; do
    case "$a" in
    --once) once=1 ;;
    --with-cloud) cloud=1 ;;
    *) echo "usage: quickstart.sh [--once] [--with-cloud]" >&2; exit 2 ;;
    esac
done

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

pids=
trap 'kill $pids 2>/dev/null || :; wait $pids 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM

# wait_for WHAT COMMAND...: until the command succeeds, at most 30 s.
wait_for() {
    what=$1 i=0
    shift
    until "$@"; do
        i=$((i + 1))
        [ $i -lt 300 ] || { echo "after 30 s still not: $what" >&2; cat "$data/tbedge.log" >&2; exit 1; }
        sleep 0.1
    done
}

if [ -n "$cloud" ]; then
    say "start a test cloud"
    mkfifo "$data/cloud.in"
    testcloud=build/tests/cloud/testcloud
    $testcloud examples/with-cloud/cloud.yaml stdin=true record="$data/cloud.jsonl" <"$data/cloud.in" \
        >"$data/cloud.out" &
    cloud_pid=$!
    pids=$cloud_pid
    exec 3>"$data/cloud.in" # its commands
    wait_for "the test cloud" grep -q '^ready ' "$data/cloud.out"
    CLOUD_RPC_PORT=$(sed -n 's/^ready port=\([0-9]*\).*/\1/p' "$data/cloud.out")
    CLOUD_RPC_HOST=127.0.0.1 CLOUD_ROUTING_KEY=quickstart-key CLOUD_ROUTING_SECRET=quickstart-secret
    export CLOUD_RPC_HOST CLOUD_RPC_PORT CLOUD_ROUTING_KEY CLOUD_ROUTING_SECRET
    echo "it listens on port $CLOUD_RPC_PORT and knows an edge, a rule chain and a device"
    set --
else
    say "check and compile examples/thermostat/thermostat.yaml"
    tbedgec check examples/thermostat/thermostat.yaml
    tbedgec build -o "$data/thermostat" examples/thermostat/thermostat.yaml
    say "add a device"
    tbedge --data "$data" device list | grep -q '^Thermostat A7' ||
        tbedge --data "$data" device add "Thermostat A7" --token $token
    set -- "$data/thermostat"
fi

say "start the edge"
MQTT_BIND_PORT=$mqtt HTTP_BIND_PORT=$http tbedge run --data "$data" "$@" \
    >"$data/tbedge.out" 2>"$data/tbedge.log" 3>&- &
pid=$!
pids="$pid $pids"
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

live() {
    tbedge --data "$data" status --json | grep -q "\"deployment\":{\"state\":\"live\".*\"nodes\":$1"
}

if [ -n "$cloud" ]; then
    say "what came from the cloud"
    wait_for "the rule chain of the cloud runs" live 8
    grep -e 'cloud: full sync completed' -e 'rule chains are live' "$data/tbedge.log" | sed 's/^[^ ]* [a-z]* *//'
    tbedge --data "$data" device list
fi

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
if [ -n "$cloud" ]; then
    say "what the cloud has got"
    at_cloud() { grep -q "$1" "$data/cloud.jsonl"; }
    wait_for "the readings are at the cloud" at_cloud '"double_v":22.25'
    grep -o '"postTelemetryMsg":.*' "$data/cloud.jsonl" | tail -4
    say "the cloud pushes a changed rule chain: temperature in Fahrenheit as well"
    echo "push-chain examples/with-cloud/fahrenheit.json" >&3
    wait_for "the changed chain runs" live 9
    mosquitto_pub -h 127.0.0.1 -p "$mqtt" -q 1 -u $token -t v1/devices/me/telemetry -m '{"temperature":20}'
    wait_for "its result is at the cloud" at_cloud '"key":"fahrenheit"'
    grep -o '"postTelemetryMsg":.*fahrenheit.*' "$data/cloud.jsonl" | tail -1
fi
say "what waits for the cloud"
tbedge --data "$data" status

if [ -n "$once" ]; then
    kill $pids
    wait $pids || :
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
  data        $data${cloud:+
  test cloud  $data/cloud.jsonl: what was said; commands: echo stats >$data/cloud.in (tests/cloud/README.md)}
  commands    build/tbedge --data $data status | device list | export | rpc ...
END
wait $pid
