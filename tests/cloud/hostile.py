# SPDX-License-Identifier: Apache-2.0
"""A cloud that misbehaves, and an edge that is killed whole while it drains: nothing crashes, nothing acknowledged is
lost."""
import base64
import json
import os
import random
import time

from entities import Pair, attributes, device_down, device_id, idle
from rig import Device, check, halves, run_tests, until
from uplink import T0, complete, pump


def strange_answers():
    """Answers to messages that were never sent, the same answer twice, a second ConnectResponse: ignored."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        c.cmd("set", hold=True)
        for i in range(20):
            c.cmd("raw", msg={"uplinkResponseMsg": {"success": i % 2 == 0, "uplinkMsgId": i, "errorMsg": "x" * 2000}})
        d.telemetry({"ts": T0, "values": {"n": 0}})
        c.cmd("release")
        up = until(lambda: [m for m in c.ups() if "entityData" in m], "the point")[0]
        for _ in range(3):
            c.cmd("raw", msg={"uplinkResponseMsg": {"success": True, "uplinkMsgId": up["uplinkMsgId"]}})
        c.cmd("set", hold=False)
        c.cmd("release")
        d.telemetry({"ts": T0 + 1, "values": {"n": 1}})
        until(lambda: c.stats()["received"]["points"] == 2, "it works on")
        check(e.status()["workerRestarts"] == 0, "no crash")


def strange_messages():
    """Bytes that are no message, messages without content, everything at once: the edge lives and works on."""
    with Pair() as (c, e):
        rnd = random.Random(7)
        for n in list(range(1, 40)) + [1000, 100000]:
            c.try_cmd("raw", b64=base64.b64encode(bytes(rnd.randrange(256) for _ in range(n))).decode())
        c.try_cmd("raw", msg={})
        c.try_cmd("raw", msg={"edgeUpdateMsg": {}})
        c.try_cmd("raw", msg={"edgeUpdateMsg": {"configuration": {}}})
        c.try_cmd("raw", msg={"connectResponseMsg": {"responseCode": "ACCEPTED"}})
        c.try_cmd("raw", msg={"connectResponseMsg": {"responseCode": "BAD_CREDENTIALS"}})
        time.sleep(1)
        until(lambda: c.stats()["accepts"] >= 2 and idle(c), "connected again and quiet", 30)
        c.acked(c.send(device_down(device_id(50), "after", "tok-after")), 30)
        Device(e, "tok-1").telemetry({"n": 1})
        until(lambda: c.stats()["received"]["points"] == 1, "telemetry goes up", 20)
        check(e.status()["workerRestarts"] == 0, "no crash")
        check(e.entity(device_id(1)) is not None, "nothing was wiped")


def before_the_answer():
    """Downlinks before the ConnectResponse: the session comes up all the same."""
    with Pair() as (c, e):
        c.cmd("set", autoConnect=False)
        c.cmd("cut")
        until(lambda: [s for s in c.stats()["sessions"] if not s["accepted"]], "a new stream")
        conn = [s["conn"] for s in c.stats()["sessions"]][-1]
        c.try_cmd("raw", conn=conn, msg={"downlinkMsg": dict(attributes(device_id(1), "SERVER_SCOPE", {"a": 1}),
                                                             downlinkMsgId=9)})
        c.cmd("set", autoConnect=True)
        time.sleep(0.2)
        c.cmd("cut")
        Device(e, "tok-1").telemetry({"n": 1})
        until(lambda: c.stats()["received"]["points"] == 1, "telemetry goes up", 30)
        check(e.status()["workerRestarts"] == 0, "no crash")


def does_not_read():
    """The cloud stops reading: what waits is bounded and on disk; then everything goes."""
    with Pair(devices=4) as (c, e):
        ds = [Device(e, "tok-%d" % (i + 1)) for i in range(4)]
        c.cmd("pause")
        for d in ds:
            pump(d, 10000, batch=500)
        rss = max(memory_kb(p) for pids in e.children().values() for p in pids)
        check(rss < 120000, "memory stays small", rss)
        c.cmd("pause", on=False)
        until(lambda: c.stats()["received"]["points"] == 40000, "all points", 60)
        for i in range(4):
            complete(c, i + 1, "n", 10000)


def memory_kb(pid):
    with open("/proc/%d/status" % pid) as f:
        return int([x for x in f if x.startswith("VmRSS")][0].split()[1])


def refused_attributes_keep_order():
    """An attribute update that is refused for a while is not overtaken by a newer one of the same entity."""
    with Pair(devices=2) as (c, e):
        c.cmd("nack", contains='"long_v":"1"', times=3, error="try later")
        for k in (1, 2, 3):
            e.cmd("attr", "set", "dev-1", "--scope", "SERVER_SCOPE", "q=%d" % k)
        Device(e, "tok-2").telemetry({"ts": T0, "values": {"n": 0}})
        until(lambda: c.stats()["received"]["points"] == 1, "telemetry of another device is not held up for long", 20)
        until(lambda: e.status()["outbox"]["depth"] == 0, "all is delivered", 60)
        sent = [kv.get("long_v") for x in c.ups("entityData") if "attributesUpdatedMsg" in x
                for kv in x["attributesUpdatedMsg"]["kv"] if kv["key"] == "q"]
        check(sent[-1] == "3", "the last value wins", sent)
        order = [v for i, v in enumerate(sent) if i == 0 or sent[i - 1] != v]
        check(order == sorted(order), "never overtaken", sent)
        r = c.stats()["received"]
        check(r["violationCount"] == 0, "no broken rule", r["violations"])


def killed_whole():
    """Front, worker and link are killed together again and again while a backlog drains."""
    with Pair('set={"ackDelayMs":30}', devices=4, env={"TBEDGE_CLOUD_PACK": "100"}) as (c, e):
        c.cmd("refuse")
        for i in range(4):
            d = Device(e, "tok-%d" % (i + 1))
            pump(d, 5000, batch=500)
            d.close()
        c.cmd("resume")
        for k in range(4):
            until(lambda: c.stats()["received"]["points"] > 4000 * k, "some more", 30, 0.005)
            kids = [p for pids in e.children().values() for p in pids]
            e.stop(keep=True, kill=True)
            for p in kids:
                try:
                    os.kill(p, 9)
                except ProcessLookupError:
                    pass
            e.start()
        until(lambda: c.stats()["received"]["points"] == 20000, "all points", 60)
        for i in range(4):
            complete(c, i + 1, "n", 5000)
        until(lambda: e.status()["outbox"]["depth"] == 0, "and nothing waits any more", 30)


if __name__ == "__main__":
    run_tests([strange_answers, strange_messages, before_the_answer, does_not_read, refused_attributes_keep_order,
               killed_whole])
