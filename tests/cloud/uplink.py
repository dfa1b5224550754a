# SPDX-License-Identifier: Apache-2.0
"""What the edge sends up, and that it arrives whatever happens: once, in order, not blocked by one bad item (facts 4, 9,
checklist 5-8)."""
import json
import os
import sys
import threading
import time

from entities import Pair, device_id, idle, start
from rig import CHAIN_ID, Cloud, Device, Edge, check, halves, run_tests, until

T0 = 1700000000000


def series(cloud):
    return {(s["entityId"], s["key"]): s for s in cloud.stats(series=True)["received"]["series"]
            if s["entityType"] != "EDGE"}


def complete(cloud, device, key, n, first=T0):
    """All n points of a series are there, in order."""
    s = series(cloud).get((device_id(device), key))
    check(s is not None, "series of device %d" % device)
    check(s["points"] == n and s["minTs"] == first and s["maxTs"] == first + n - 1, "all points", s)
    check(s["sum"] == n * (n - 1) // 2, "the values", s)
    return s


def no_violations(cloud):
    r = cloud.stats()["received"]
    check(r["violationCount"] == 0, "no broken rule", r["violations"])


def pump(device, n, first=0, batch=100, key="n"):
    """Points n, one a millisecond, many in one publish."""
    for at in range(first, first + n, batch):
        device.telemetry([{"ts": T0 + i, "values": {key: i}} for i in range(at, min(at + batch, first + n))])


def many_in_one():
    """Points of many devices travel in few messages."""
    with Pair(devices=5) as (c, e):
        c.cmd("refuse")
        ds = [Device(e, "tok-%d" % (i + 1)) for i in range(5)]
        for d in ds:
            pump(d, 1000)
        n = c.stats()["uplinksReceived"]
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] >= 5000, "5,000 points", 30)
        for i in range(5):
            s = complete(c, i + 1, "n", 1000)
            check(s["duplicates"] == 0 and s["backwards"] == 0, "once and in order", s)
        until(lambda: idle(c), "quiet")
        used = c.stats()["uplinksReceived"] - n
        check(used < 200, "few messages", used)
        no_violations(c)


def out_of_order_answers():
    """The cloud answers in any order: nothing is lost, nothing order-sensitive overlaps."""
    with Pair('set={"ackDelayMs":5,"ackJitterMs":60}', devices=3) as (c, e):
        ds = [Device(e, "tok-%d" % (i + 1)) for i in range(3)]
        for k in range(10):
            for i, d in enumerate(ds):
                pump(d, 20, first=20 * k)
                d.publish("v1/devices/me/attributes", {"round": k})
        until(lambda: c.stats()["received"]["points"] == 600, "all points", 30)
        until(lambda: e.status()["outbox"]["depth"] == 0, "empty outbox", 30)
        for i in range(3):
            complete(c, i + 1, "n", 200)
            last = [x for x in c.ups("entityData") if x.get("postAttributesMsg") and
                    x["entityIdLSB"] == halves(device_id(i + 1))[1]]
            rounds = [int(kv.get("long_v", 0)) for x in last for kv in x["postAttributesMsg"]["kv"]]
            check(rounds == sorted(rounds) and rounds[-1] == 9, "attributes in order", rounds)
        no_violations(c)


def lost_answers():
    """The stream dies with answers outstanding: everything comes again, telemetry may come twice but never is lost."""
    with Pair(devices=2) as (c, e):
        ds = [Device(e, "tok-1"), Device(e, "tok-2")]
        for k in range(3):
            c.cmd("set", hold=True)
            for d in ds:
                pump(d, 300, first=300 * k)
            until(lambda: any(s["inFlight"] for s in c.stats()["sessions"]), "some in flight")
            c.cmd("cut")
            c.cmd("set", hold=False)
            until(lambda: c.stats()["received"]["points"] == 600 * (k + 1), "all points", 30)
        for i in (1, 2):
            complete(c, i, "n", 900)


def refused_for_a_while():
    """Negative answers are tried again for ever."""
    with Pair(devices=1) as (c, e):
        d = Device(e, "tok-1")
        c.cmd("nack", times=3, error="try later")
        d.telemetry({"ts": T0, "values": {"n": 0}})
        until(lambda: c.stats()["received"]["points"] == 1, "it arrives in the end", 60)
        check(c.stats()["nacks"][0] == 3, "after three refusals", c.stats()["nacks"])
        until(lambda: e.status()["outbox"]["depth"] == 0, "done")


def poisonous_item():
    """One item the cloud never takes is found by halving, kept aside and shown; the rest goes through."""
    with Pair(devices=2) as (c, e):
        c.cmd("refuse")
        ds = [Device(e, "tok-1"), Device(e, "tok-2")]
        pump(ds[0], 500)
        ds[1].telemetry({"ts": T0 + 7, "values": {"poison": 1}})
        pump(ds[1], 500)
        c.cmd("nack", contains='"poison"', error="NullPointerException\norg.example.Thing.run(7)")
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] == 1000, "the others arrive", 60)
        for i in (1, 2):
            complete(c, i, "n", 500)
        until(lambda: e.status()["outbox"]["depth"] == 0, "the queue is not held up", 60)
        text = json.dumps(e.status())
        check('"aside":1' in text.replace(" ", "") or "aside" in text, "kept aside and shown", text)
        d = e.status().get("cloud") or {}
        check(d.get("aside", {}) in (1, {"items": 1}) or "1" in json.dumps(d.get("aside")), "one item aside", d)


def poisonous_items():
    """Several of them, tried again and again, hold up neither what waited with them nor what comes later."""
    with Pair(devices=2) as (c, e):
        c.cmd("refuse")
        ds = [Device(e, "tok-1"), Device(e, "tok-2")]
        for k in range(5):
            pump(ds[0], 100, first=100 * k)
            ds[1].telemetry({"ts": T0 + 7 + k, "values": {"poison": k}})
        c.cmd("nack", contains='"poison"', error="NullPointerException")
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] == 500, "the others arrive", 20)
        for k in range(10):
            ds[1].telemetry({"ts": T0 + 1000 + k, "values": {"later": k}})
            until(lambda: c.stats()["received"]["points"] == 501 + k, "later points arrive at once", 15)
            time.sleep(0.3)
        until(lambda: e.status()["cloud"]["aside"] == 5, "all five are kept aside", 40)


def rate_limited():
    """Rate limit answers are paced, nothing is lost."""
    with Pair('set={"rateLimit":"5:1"}', devices=1, quiet=False) as (c, e):
        d = Device(e, "tok-1")
        pump(d, 300, batch=30)
        until(lambda: c.stats()["received"]["points"] >= 300, "all points", 90)
        complete(c, 1, "n", 300)
        s = c.stats()
        check(s["rateLimited"] <= 40, "paced, not hammered", s["rateLimited"])


def size_limit():
    """A message above the cloud's limit is never sent; what cannot fit at all is reported, the rest goes."""
    with Pair('set={"announceMax":20000,"maxInbound":20000}', devices=1) as (c, e):
        d = Device(e, "tok-1")
        d.telemetry({"ts": T0, "values": {"big": "x" * 30000}})
        for i in range(20):
            d.telemetry({"ts": T0 + 1 + i, "values": {"part": "y" * 3000}})
        until(lambda: series(c).get((device_id(1), "part"), {}).get("points") == 20, "the others arrive", 30)
        s = c.stats()
        check(s["resets"] == 0 and s["largest"] <= 20000, "no message above the limit", s["largest"])
        until(lambda: e.status()["outbox"]["depth"] == 0, "the queue goes on", 20)
        text = e.cmd("status") + e.tail(20000)
        check("aside" in text or "large" in text, "it is reported", text[-600:])


def no_answer():
    """An answer that never comes: the message is sent again (here after 3 s), the stream is kept or replaced."""
    with Pair(devices=1, env={"CLOUD_UPLINK_PACK_TIMEOUT_SEC": "3"}) as (c, e):
        d = Device(e, "tok-1")
        c.cmd("set", hold=True)
        d.telemetry({"ts": T0, "values": {"n": 0}})
        until(lambda: any(s["inFlight"] for s in c.stats()["sessions"]), "in flight")
        c.cmd("set", hold=False)
        until(lambda: c.stats()["received"]["points"] == 1, "it comes again", 20)


def killed_in_flight(which):
    def test():
        with Pair('set={"ackDelayMs":30,"ackJitterMs":50}', devices=3) as (c, e):
            ds = [Device(e, "tok-%d" % (i + 1)) for i in range(3)]
            done = []

            def work(d):
                for k in range(15):
                    pump(d, 40, first=40 * k)
                    time.sleep(0.1)
                done.append(1)
            threads = [threading.Thread(target=work, args=(d,), daemon=True) for d in ds]
            [t.start() for t in threads]
            for _ in range(3):
                time.sleep(0.5)
                pids = e.children().get(which)
                if pids:
                    os.kill(pids[0], 9)
            [t.join(60) for t in threads]
            check(len(done) == 3, "the devices got every acknowledgement", len(done))
            until(lambda: c.stats()["received"]["points"] == 1800, "all points", 60)
            for i in (1, 2, 3):
                complete(c, i, "n", 600)
            check(all(d.alive for d in ds), "the devices stayed connected")
            if which == "worker":
                check(c.stats()["streams"] == 1, "the stream was not cut", c.stats()["streams"])
                s = c.stats()["received"]
                check(s["duplicates"] <= 1800, "duplicates are bounded by what was in flight", s["duplicates"])
    test.__name__ = "killed_in_flight_" + which.replace("tbedge-", "")
    return test


def born_on_the_edge():
    """A device made on the edge: confirmed before its data; deleted: only its id."""
    with Pair('set={"ackDelayMs":200}') as (c, e):
        u = e.cmd("device", "add", "born", "--token", "born-token", "--label", "L").split()[-1]
        d = Device(e, "born-token")
        d.telemetry({"n": 1})
        d.publish("v1/devices/me/attributes", {"fw": "1.2"})
        until(lambda: c.stats()["received"]["points"] == 1, "its data")
        up = [m for m in c.ups() if m.get("deviceUpdateMsg")][0]
        body = json.loads(up["deviceUpdateMsg"][0]["entity"])
        check(body["name"] == "born" and body["label"] == "L" and body["id"]["id"] == u, "the device", body)
        check("msgType" not in up["deviceUpdateMsg"][0], "created")
        cred = json.loads(up["deviceCredentialsUpdateMsg"][0]["entity"])
        check(cred["credentialsId"] == "born-token" and cred["deviceId"]["id"] == u, "credentials with it", cred)
        d.close()
        e.cmd("device", "rm", "born")
        gone = until(lambda: [x for x in c.ups("deviceUpdateMsg") if x.get("msgType") ==
                              "ENTITY_DELETED_RPC_MESSAGE"], "the deletion")[0]
        check("entity" not in gone and [gone["idMSB"], gone["idLSB"]] == halves(u), "id only", gone)
        no_violations(c)


def attributes_of_the_edge_side():
    """attr set on the edge: attributesUpdatedMsg with scope and time; attr rm: attributeDeleteMsg."""
    with Pair() as (c, e):
        for k in range(5):
            e.cmd("attr", "set", "dev-1", "--scope", "SERVER_SCOPE", "q=%d" % k)
        e.cmd("attr", "set", "dev-1", "--scope", "SHARED_SCOPE", "--json", '{"s":{"a":[1,2]}}')
        e.cmd("attr", "rm", "dev-1", "--scope", "SERVER_SCOPE", "q")
        gone = until(lambda: [x for x in c.ups("entityData") if "attributeDeleteMsg" in x], "the deletion", 20)[0]
        check(gone["attributeDeleteMsg"] == {"scope": "SERVER_SCOPE", "attributeNames": ["q"]}, "deletion", gone)
        sent = [x for x in c.ups("entityData") if x.get("postAttributeScope") == "SERVER_SCOPE"]
        check(sent and all(x.get("attributeTs") for x in sent), "with time", sent)
        last = sent[-1]["attributesUpdatedMsg"]["kv"]
        check(last == [{"key": "q", "type": "LONG_V", "long_v": "4"}], "the last value", last)
        no_violations(c)


def general_first():
    """Checklist 5: after an outage the general queue goes first, then the telemetry that waited."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        c.cmd("refuse")
        pump(d, 300)
        e.cmd("device", "add", "later", "--token", "later-token")
        c.cmd("set", hold=True)
        n = len(c.ups())
        c.cmd("resume")
        until(lambda: any("deviceUpdateMsg" in m for m in c.ups()[n:]), "the device goes up", 15)
        time.sleep(0.5)
        kinds = [sorted(set(m) - {"uplinkMsgId"}) for m in c.ups()[n:]]
        check(not any("entityData" in k for k in kinds), "no telemetry before the answers", kinds)
        c.cmd("set", hold=False)
        c.cmd("release")
        until(lambda: c.stats()["received"]["points"] == 300, "then the telemetry", 15)
        complete(c, 1, "n", 300)


def values():
    """Every kind of value as the wire has it (9.1)."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        d.telemetry('{"d":21.5,"l":9007199254740993,"s":"x","t":true,"f":false,"z":0,"j":{"k":[1]},"n":"1.2"}')
        up = until(lambda: c.ups("entityData"), "telemetry")[0]
        got = {k.pop("key"): k for k in up["postTelemetryMsg"]["tsKvList"][0]["kv"]}
        want = {"d": {"type": "DOUBLE_V", "double_v": 21.5}, "l": {"type": "LONG_V", "long_v": "9007199254740993"},
                "s": {"type": "STRING_V", "string_v": "x"}, "t": {"bool_v": True}, "f": {}, "z": {"type": "LONG_V"},
                "j": {"type": "JSON_V", "json_v": '{"k":[1]}'}, "n": {"type": "DOUBLE_V", "double_v": 1.2}}
        check(got == want, "values", got)


def statistics():
    """Every interval one entityData of the edge with five counters (4.6)."""
    with Pair(env={"CLOUD_STATS_REPORT_INTERVAL_MS": "1000"}) as (c, e):
        up = until(lambda: [x for x in c.ups("entityData", True) if x["entityType"] == "EDGE"], "statistics", 15)[0]
        one = up["postTelemetryMsg"]["tsKvList"][0]
        check([k["key"] for k in one["kv"]] == ["uplinkMsgsAdded", "uplinkMsgsPushed", "uplinkMsgsPermanentlyFailed",
                                                "uplinkMsgsTmpFailed", "uplinkMsgsLag"], "keys", one)
        check(all(k["type"] == "LONG_V" for k in one["kv"]) and int(one["ts"]) % 1000 == 0, "whole interval", one)


def outage(events=None):
    """Two days without a cloud, compressed: many devices, a million points, drained in order, none lost or doubled.
    TBE_OUTAGE_EVENTS: how many."""
    total = events or int(os.environ.get("TBE_OUTAGE_EVENTS", "50000"))
    devices, span = 20, 2 * 86400 * 1000
    per = total // devices
    with Pair('set={"ackDelayMs":50}', devices=devices, record=False) as (c, e):
        c.cmd("refuse")
        base = T0
        step = max(1, span // per)
        for i in range(devices):
            d = Device(e, "tok-%d" % (i + 1))
            for at in range(0, per, 500):
                d.telemetry([{"ts": base + step * k, "values": {"n": k}} for k in range(at, min(at + 500, per))],
                            within=120)
            d.close()
        check(e.status()["outbox"]["depth"] > 0, "it waits")
        e.stop(keep=True)
        e.start()
        t = time.time()
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] >= per * devices, "%d points" % (per * devices), 600, 0.1)
        took = time.time() - t
        for (u, key), s in series(c).items():
            check(s["points"] == per and s["duplicates"] == 0 and s["backwards"] == 0 and
                  s["maxTs"] == base + step * (per - 1) and s["sum"] == per * (per - 1) // 2, "series", s)
        check(len(series(c)) == devices, "every device")
        until(lambda: e.status()["outbox"]["depth"] == 0, "empty", 30)
        no_violations(c)
        print("        %d points drained in %.1f s (%.0f/s)" % (per * devices, took, per * devices / took))


if __name__ == "__main__":
    run_tests([many_in_one, out_of_order_answers, lost_answers, refused_for_a_while, poisonous_item, poisonous_items, rate_limited,
               size_limit, no_answer, killed_in_flight("worker"), killed_in_flight("tbedge-link"), born_on_the_edge,
               attributes_of_the_edge_side, general_first, values, statistics, outage])
