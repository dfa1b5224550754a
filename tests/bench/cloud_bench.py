# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the cloud manager against the test cloud, on one machine. One JSON object each, medians.

  drain    points of many devices waiting for the cloud, sent when it is back; answers after 50 ms
  sync     full sync of the size of a default tenant: 684 widget types (3.7 MB), 28 bundles and the small rest
  chain    a chain saved on the cloud until the first message it handled is at the cloud, with gcc -O2 and tcc
  memory   the link process after that sync and 20,000 points: PSS, private dirty"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cloud"))
from entities import Pair, device_id, fill, halves, idle, ref  # noqa: E402
from rig import CHAIN_ID, NULL_ID, Cloud, Device, Edge, check, until  # noqa: E402

T0 = 1700000000000


def median(rows, key):
    return round(statistics.median(r[key] for r in rows), 3)


def load(edge, devices, per, span=1):
    """`per` points for each device, through MQTT as devices send them."""
    for i in range(devices):
        d = Device(edge, "tok-%d" % (i + 1))
        for at in range(0, per, 500):
            d.telemetry([{"ts": T0 + span * k, "values": {"n": k}} for k in range(at, min(at + 500, per))], within=120)
        d.close()


def cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        p = f.read().rsplit(")", 1)[1].split()
    return (int(p[11]) + int(p[12])) / os.sysconf("SC_CLK_TCK")


def drain(points=200000, devices=20):
    with Pair('set={"ackDelayMs":50}', devices=devices, record=False) as (c, e):
        c.cmd("refuse")
        load(e, devices, points // devices)
        kids = {n: p[0] for n, p in e.children().items()}
        before = {n: cpu(p) for n, p in kids.items()}
        before["cloud"] = cpu(c.proc.pid)
        c.cmd("clear")
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] >= points, "all points", 300, 0.05)
        s = c.stats(series=True)
        check(s["received"]["duplicates"] == 0, "once")
        check(all(x["backwards"] == 0 for x in s["received"]["series"]), "in order")
        sec = max(1, s["lastUplinkMs"] - s["firstUplinkMs"] + 50) / 1000
        used = {n: round(cpu(p) - before[n], 2) for n, p in kids.items()}
        used["cloud"] = round(cpu(c.proc.pid) - before["cloud"], 2)
        return {"points": points, "seconds": sec, "pointsPerSecond": points / sec, "uplinks": s["uplinksReceived"],
                "inFlightMax": s["inFlightMax"], "largestMessage": s["largest"], "cpuSeconds": used}


def widget_files(path):
    """684 widget types of 3,696,170 bytes and 28 bundles of 24,357 bytes, as large as the recorded ones."""
    with open(path, "w") as f:
        for i in range(684):
            u = "b0000000-0000-11ee-8000-%012x" % i
            size = 3696170 // 684 - 420 + (i % 7 - 3) * 300
            body = {"id": ref("WIDGET_TYPE", u), "createdTime": T0, "tenantId": ref("TENANT", NULL_ID),
                    "fqn": "cards.widget_%d" % i, "name": "Widget %d" % i, "deprecated": False, "scada": False,
                    "descriptor": {"type": "latest", "sizeX": 5, "sizeY": 4, "controllerScript": "self.x = %d; " % i +
                                   "a" * max(0, size)}, "image": None, "description": None, "tags": [],
                    "resources": None, "externalId": None, "version": None}
            f.write(line("widgetTypeUpdateMsg", u, body))
        for i in range(28):
            u = "b1000000-0000-11ee-8000-%012x" % i
            body = {"id": ref("WIDGETS_BUNDLE", u), "createdTime": T0, "tenantId": ref("TENANT", NULL_ID),
                    "alias": "bundle_%d" % i, "title": "Bundle %d" % i, "image": None, "scada": False,
                    "description": "d" * 300, "order": i, "externalId": None, "version": None}
            f.write(line("widgetsBundleUpdateMsg", u, body, widgets=json.dumps(["cards.widget_%d" % k
                                                                                 for k in range(20)])))


def line(field, u, body, **more):
    msb, lsb = halves(u)
    return json.dumps({"downlinkMsg": {field: [dict(more, idMSB=msb, idLSB=lsb, entity=json.dumps(body))]}}) + "\n"


def sync():
    d = tempfile.mkdtemp(prefix="tbe-bench-")
    c = Cloud(record=False)
    e = None
    try:
        widget_files(os.path.join(d, "widgets.jsonl"))
        fill(c)
        c.cmd("entities", file=os.path.join(d, "widgets.jsonl"))
        for i in range(758 - 684 - 28 - 6):
            c.cmd("entities", downlinkMsg={"notificationTemplateUpdateMsg": [{"entity": json.dumps(
                {"id": ref("NOTIFICATION_TEMPLATE", "b2000000-0000-11ee-8000-%012x" % i), "name": "T%d" % i,
                 "tenantId": ref("TENANT", NULL_ID), "configuration": {"x": "y" * 400}})}]})
        e = Edge(c.port)
        until(lambda: c.stats()["syncsDone"] == 1, "the sync", 60)
        s = c.stats()
        kids = {n: cpu(p[0]) for n, p in e.children().items()}
        return {"messages": s["syncDownlinks"], "bytes": s["syncBytes"], "seconds": s["syncMs"] / 1000,
                "ackMsMax": s["ackMsMax"], "cpuSeconds": kids}
    finally:
        if e:
            e.stop()
        c.stop()
        shutil.rmtree(d, ignore_errors=True)


def chain(cc):
    from chains import newest, push
    env = {"TBEDGE_DEPLOY_CC": cc}
    with Pair(devices=1, env=env, record=False) as (c, e):
        d = Device(e, "tok-1")
        rows = []
        for factor in range(2, 7):
            start = time.time()
            push(c, factor=factor + int(start) % 1000 * 10)
            want = str(10 * (factor + int(start) % 1000 * 10))
            while newest(c) != want:
                d.telemetry({"n": 10})
                check(time.time() - start < 30, "live in time")
            rows.append(time.time() - start)
        return {"cc": cc, "seconds": statistics.median(rows), "worst": max(rows)}


def memory():
    d = tempfile.mkdtemp(prefix="tbe-bench-")
    widget_files(os.path.join(d, "widgets.jsonl"))
    c = Cloud('set={"ackDelayMs":50}', "sync=" + json.dumps([os.path.join(d, "widgets.jsonl")]), record=False)
    fill(c, 20)
    e = Edge(c.port)
    try:
        until(lambda: c.stats()["syncsDone"] == 1, "the sync", 60)
        until(lambda: e.live_chain(CHAIN_ID), "the chain", 60)
        load(e, 20, 1000)
        until(lambda: c.stats()["received"]["points"] >= 20000, "the points", 60)
        out = {}
        for name, pids in e.children().items():
            rollup = {}
            with open("/proc/%d/smaps_rollup" % pids[0]) as f:
                for x in f:
                    p = x.split()
                    if len(p) == 3:
                        rollup[p[0].rstrip(":")] = int(p[1])
            out[name] = {"pssKb": rollup["Pss"], "privateDirtyKb": rollup["Private_Dirty"]}
        return {"linkPssKb": out["tbedge-link"]["pssKb"], "linkPrivateDirtyKb": out["tbedge-link"]["privateDirtyKb"],
                "processes": out}
    finally:
        e.stop()
        c.stop()
        shutil.rmtree(d, ignore_errors=True)


def report(name, goal, fn, runs):
    rows = [fn() for _ in range(runs)]
    out = {"benchmark": name, "runs": runs, "goal": goal}
    for k, v in rows[0].items():
        out[k] = median(rows, k) if isinstance(v, (int, float)) else rows[-1][k]
    print(json.dumps(out), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["drain", "sync", "chain", "memory", "all"])
    p.add_argument("--runs", type=int, default=3)
    a = p.parse_args()
    if a.what in ("drain", "all"):
        report("cloud drain, answers after 50 ms", ">= 20000 points/s", drain, a.runs)
    if a.what in ("sync", "all"):
        report("full sync of a default tenant", "<= 2 s", sync, a.runs)
    if a.what in ("chain", "all"):
        report("chain saved on the cloud until live", "gcc <= 1.5 s", lambda: chain("gcc"), a.runs)
        if shutil.which("tcc"):
            report("chain saved on the cloud until live", "tcc <= 0.4 s", lambda: chain("tcc"), a.runs)
    if a.what in ("memory", "all"):
        report("memory of the link", "<= 14 MB PSS, <= 4 MB private dirty", memory, a.runs)


main()
