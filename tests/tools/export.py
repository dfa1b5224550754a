# SPDX-License-Identifier: Apache-2.0
"""tbedge export, beside a running daemon and without one: the same points, of keys without a latest value too, in both
formats, to standard output and to a file, by device, key and time."""
import csv
import io
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.request

import common
from common import check, run

CHAIN = """\
ruleChain: {name: S, root: true}
metadata:
  firstNode: kind
  nodes:
    - {name: kind, type: msg_type_switch}
    - name: ts
      type: save_timeseries
      configuration:
        processingSettings: {type: ADVANCED, timeseries: {type: ON_EVERY_MESSAGE}, latest: {type: SKIP}, webSockets: {type: SKIP}, calculatedFields: {type: SKIP}}
  connections:
    - {from: kind, to: ts, type: Post telemetry}
"""
TBEDGE = os.path.join(common.BUILD, "tbedge")
NAME, TOKEN = 'A,"1"', "T0kenExport"

with tempfile.TemporaryDirectory() as d:
    worker, data = os.path.join(d, "worker"), os.path.join(d, "data")
    s, out, err = run("build", "-o", worker, "-", stdin=CHAIN.encode())
    check("the worker", s == 0, err.decode()[:500])
    env = dict(os.environ, MQTT_BIND_PORT="0", HTTP_BIND_PORT="0")

    def edge(*args):
        p = subprocess.run([TBEDGE, "--data", data, *args], capture_output=True, text=True, env=env, timeout=60, check=False)
        return p.returncode, p.stdout, p.stderr

    log = open(os.path.join(d, "log"), "w", encoding="utf-8")
    daemon = subprocess.Popen([TBEDGE, "run", "--data", data, worker], stdout=subprocess.PIPE, stderr=log, text=True, env=env)
    try:
        line = next((x for x in daemon.stdout if x.startswith("ready ")), "")
        port = re.search(r"http=(\d+)", line)
        if check("the daemon is ready", port, open(os.path.join(d, "log"), encoding="utf-8").read()[-1000:]):
            s, out, err = edge("device", "add", NAME, "--token", TOKEN)
            check("a device", s == 0, err)
            body = [{"ts": t, "values": {"t": t / 2, "s": 'x,"y"\n', "j": {"a": [1]}, "b": True, "n": -5}} for t in (10, 20, 30)]
            req = urllib.request.Request(f"http://127.0.0.1:{port[1]}/api/v1/{TOKEN}/telemetry", json.dumps(body).encode(), {"Content-Type": "application/json"})
            check("telemetry", urllib.request.urlopen(req, timeout=10).status == 200)
            end = time.monotonic() + 20
            while edge("export")[1].count("\n") < 19 and time.monotonic() < end:
                time.sleep(0.1)
            s, out, err = edge("telemetry", NAME)
            check("there is no latest value", s == 0 and out == "", out + err)
            s, beside, err = edge("export")
            s, lines, err = edge("export", "--format", "jsonl")
            s, out, err = edge("export", "--output", os.path.join(d, "out.csv"))
            check("to a file beside the daemon", s == 0 and open(os.path.join(d, "out.csv"), encoding="utf-8", newline="").read() == beside and "15 points" in out, out + err)
    finally:
        daemon.terminate()
        daemon.wait(30)
        log.close()
    s, alone, err = edge("export")
    check("with and without the daemon the same", s == 0 and alone == beside, f"{beside!r} {alone!r} {err}")
    check("JSON lines too", edge("export", "--format", "jsonl")[1] == lines)
    rows = list(csv.reader(io.StringIO(alone)))
    want = [[NAME, k, str(t), v(t)] for k, v in (("b", lambda t: "true"), ("j", lambda t: '{"a":[1]}'), ("n", lambda t: "-5"), ("s", lambda t: 'x,"y"\n'),
            ("t", lambda t: str(t / 2))) for t in (10, 20, 30)]
    check("every point as CSV", rows[0] == ["device", "key", "ts", "value"] and sorted(rows[1:]) == sorted(want), str(rows))
    got = [json.loads(x) for x in lines.splitlines()]
    check("every point as JSON", len(got) == 15 and {"device": NAME, "key": "t", "ts": 20, "value": 10.0} in got and
          {"device": NAME, "key": "j", "ts": 10, "value": {"a": [1]}} in got, lines)
    check("by key and time", edge("export", "--key", "n", "--from", "20", "--to", "30")[1].splitlines()[1:] == ['"A,""1""",n,20,-5'])
    check("by device", edge("export", "--device", NAME)[1] == alone and edge("export", "--device", "nobody")[0] == 1)
    check("a file that cannot be written", edge("export", "--output", os.path.join(d, "no", "x"))[0] != 0)
    check("a full disk", edge("export", "--output", "/dev/full")[0] != 0)
    check("a format that is none", edge("export", "--format", "xml")[0] == 2)
common.end()
