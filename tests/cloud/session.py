# SPDX-License-Identifier: Apache-2.0
"""The session of an edge with its cloud: connecting, being refused, losing the stream in every way there is (facts 1-3,
11.1, 13.1-13.3, checklist 1, 2, 8, 9)."""
import json
import os
import subprocess
import time

from entities import Pair, device_down, device_id, fill, idle, root_chain, start
from rig import (CHAIN_ID, EDGE_ID, KEY, SECRET, TENANT_ID, Client, Cloud, Device, Edge, check, halves, run_tests,
                 until)


def requests(cloud):
    """Entities asked about, as (field, type)."""
    return {(f, i["entityType"]) for m in cloud.ups() for f, items in m.items() if f.endswith("RequestMsg")
            for i in items}


def syncs(cloud):
    return [x["msg"]["syncRequestMsg"].get("fullSync", False) for x in cloud.recorded()
            if x["dir"] == "up" and "syncRequestMsg" in x["msg"]]


def first_connection():
    """13.1: connect, full sync, requests, telemetry."""
    with Pair(devices=1) as (c, e):
        lines = [x for x in c.recorded() if x["dir"] in ("up", "down")]
        connect = lines[0]["msg"]["connectRequestMsg"]
        check(connect["edgeVersion"] == "V_4_3_0", "version", connect)
        check(connect["edgeRoutingKey"] == KEY and connect["maxInboundMessageSize"] >= 4194304, "connect", connect)
        check(syncs(c) == [True], "one full sync", syncs(c))
        check(lines[2]["msg"].get("syncRequestMsg"), "the sync is asked for after the ConnectResponse", lines[2])
        first_up = [i for i, x in enumerate(lines) if x["dir"] == "up" and "uplinkMsg" in x["msg"]][0]
        end = [i for i, x in enumerate(lines) if "syncCompletedMsg" in x["msg"].get("downlinkMsg", {})][0]
        check(first_up > end, "no uplink before the end of the sync")
        want = {("attributesRequestMsg", "TENANT"), ("attributesRequestMsg", "DEVICE"),
                ("relationRequestMsg", "DEVICE"), ("calculatedFieldRequestMsg", "DEVICE")}
        until(lambda: want <= requests(c), "the requests %s" % (want - requests(c)))
        scopes = [i["scope"] for i in c.ups("attributesRequestMsg") if i["entityType"] == "DEVICE"]
        check(sorted(scopes) == ["SERVER_SCOPE", "SHARED_SCOPE"], "both scopes of the device", scopes)
        d = Device(e, "tok-1")
        d.telemetry({"temperature": 25.5})
        up = until(lambda: c.ups("entityData"), "the telemetry")[0]
        one = up["postTelemetryMsg"]["tsKvList"][0]
        check(one["kv"] == [{"key": "temperature", "type": "DOUBLE_V", "double_v": 25.5}], "value", up)
        check([up["entityIdMSB"], up["entityIdLSB"]] == halves(device_id(1)), "device", up)
        until(lambda: e.status()["outbox"]["depth"] == 0, "the outbox is empty after the answer")
        check(c.stats()["received"]["violationCount"] == 0, "no broken rule", c.stats()["received"]["violations"])


def process_restart():
    """13.3: partial sync, uplink waits for its end, nothing is asked again for what is known."""
    with Pair(devices=2) as (c, e):
        n = len(c.recorded())
        check(e.stop(keep=True) == 0, "stops cleanly")
        ends = [x for x in c.recorded()[n:] if x["dir"] == "end"]
        check(ends and ends[0]["end"]["status"] == 0, "the stream is half-closed and ended with OK", ends)
        e.start()
        until(lambda: c.stats()["syncsDone"] == 2, "second sync")
        check(syncs(c) == [True, False], "a partial one", syncs(c))
        until(lambda: idle(c), "quiet")
        asked = [i for m in c.recorded()[n:] if m["dir"] == "up" and "uplinkMsg" in m["msg"]
                 for i in m["msg"]["uplinkMsg"].get("relationRequestMsg", [])]
        check(not [i for i in asked if i["entityType"] == "DEVICE"], "known devices are not asked about again", asked)
        Device(e, "tok-2").telemetry({"a": 1})
        until(lambda: c.ups("entityData"), "telemetry goes up")


def survives(how, seconds=15, **args):
    def test():
        with Pair(devices=1) as (c, e):
            d = Device(e, "tok-1")
            link = e.children().get("tbedge-link")
            d.telemetry({"n": 1})
            until(lambda: c.stats()["received"]["points"] == 1, "the first point")
            c.cmd(how, **args)
            d.telemetry({"n": 2})
            until(lambda: c.stats()["accepts"] == 2 or (how == "restart" and c.stats()["sessions"]), "reconnected",
                  seconds)
            until(lambda: c.stats()["syncsPartial"] >= 1, "a partial sync after the reconnect")
            d.telemetry({"n": 3})
            until(lambda: c.stats()["received"]["points"] == 3, "all points")
            check(d.alive, "the device stayed connected")
            check(e.children().get("tbedge-link") == link, "the same link process", link, e.children())
            s = c.stats()
            check(s["received"]["violationCount"] == 0, "no broken rule", s["received"]["violations"])
    test.__name__ = "survives_" + how.replace("-", "_") + ("_status" if args.get("status") else "")
    return test


def survives_half_open():
    """Nothing passes and nothing closes: the keep-alive finds out (here after 1 + 1 s)."""
    env = {"CLOUD_RPC_KEEP_ALIVE_TIME_SEC": "1", "CLOUD_RPC_KEEP_ALIVE_TIMEOUT_SEC": "1"}
    with Pair(devices=1, env=env) as (c, e):
        d = Device(e, "tok-1")
        c.cmd("half-open")
        d.telemetry({"n": 1})
        time.sleep(4)
        check(e.status()["outbox"]["depth"] >= 1, "it waits in the outbox")
        c.cmd("cut")
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] == 1, "it goes up", 15)
        check(c.stats()["accepts"] == 2, "over a new stream")
        check("keepalive" in e.tail(20000).lower() or "ping" in e.tail(20000).lower() or
              e.tail(20000).count("cloud link") >= 2, "the log says so")


def survives_outage():
    """The port is closed for a while; back-off grows, then all is delivered."""
    with Pair(devices=1) as (c, e):
        d = Device(e, "tok-1")
        c.cmd("refuse")
        for n in range(20):
            d.telemetry({"ts": 1700000000000 + n, "values": {"n": n}})
            time.sleep(0.05)
        time.sleep(1)
        check(e.status()["outbox"]["depth"] >= 20, "all of it waits", e.status()["outbox"])
        c.cmd("resume")
        until(lambda: c.stats()["received"]["points"] == 20, "all of it arrives", 30)
        s = c.stats(series=True)["received"]
        check(s["duplicates"] == 0 and s["series"][0]["backwards"] == 0, "once and in order", s)


def refused(setting, **other):
    def test():
        c = Cloud(*other.get("cloud", ()))
        fill(c)
        e = Edge(c.port, secret=other.get("secret", SECRET), key=other.get("key", KEY))
        try:
            if setting:
                pass
            until(lambda: c.stats()["refusals"] >= 2, "it tries again", 20)
            d = e.status()
            check(d["outbox"] is not None, "status works")
            text = e.cmd("status") + json.dumps(d)
            check(other["says"].lower() in text.lower(), "status says %s" % other["says"], text)
            check(SECRET not in e.tail(50000) and "very-wrong" not in e.tail(50000), "no secret in the log")
            check("very-wrong" not in text, "no secret in the status")
            check(not c.ups(), "nothing is sent up")
            n = c.stats()["streams"]
            time.sleep(2)
            check(c.stats()["streams"] - n <= 6, "with back-off")
        finally:
            e.stop()
            c.stop()
    test.__name__ = "refused_" + setting
    return test


def becomes_right():
    """The cloud learns of the edge later: the running edge gets in without a restart."""
    c = Cloud(key=None)
    e = Edge(c.port)
    try:
        until(lambda: c.stats()["refusals"] >= 1, "refused")
        fill(c)
        c.cmd("edge", routingKey=KEY, secret=SECRET)
        until(lambda: c.stats()["syncsDone"] == 1, "synchronised", 30)
    finally:
        e.stop()
        c.stop()


def second_session():
    """Another client with the same key takes the session: ours is ended with OK, backs off and comes back."""
    with Pair(devices=1) as (c, e):
        other = Client(c.port)
        check("configuration" in other.connect()["connectResponseMsg"], "the other is accepted")
        until(lambda: c.stats()["accepts"] >= 3, "ours comes back", 30)
        check(other.read() == {"end": {"status": 0}}, "and the other is ended in turn")
        other.stop()
        until(lambda: idle(c), "quiet")
        Device(e, "tok-1").telemetry({"n": 1})
        until(lambda: c.stats()["received"]["points"] == 1, "it works on")


def edge_deleted():
    """Nothing says so; the next connect is refused. The edge keeps its data and serves its devices."""
    with Pair(devices=1) as (c, e):
        c.cmd("delete-edge")
        c.cmd("cut")
        until(lambda: c.stats()["refusals"] >= 1, "refused")
        d = Device(e, "tok-1")
        d.telemetry({"n": 1})
        check(e.entity(device_id(1)) is not None, "the device is still there")
        c.cmd("delete-edge", deleted=False)
        until(lambda: c.stats()["received"]["points"] == 1, "when it is back, the data goes up", 30)


def interrupted_sync():
    """The stream breaks during the first sync: the next connection asks for a full one again."""
    c = Cloud(scenario="""
set: {packSize: 1}
steps:
  - {on: ack, count: 3, do: [{cmd: cut}]}
""")
    fill(c, 3)
    e = Edge(c.port)
    try:
        until(lambda: c.stats()["syncsDone"] >= 1, "a sync ends", 30)
        check(syncs(c)[-1] is True and all(syncs(c)), "full again", syncs(c))
    finally:
        e.stop()
        c.stop()


def forced_sync():
    """A full sync started by the cloud changes nothing and does not stop the uplink (3.1)."""
    with Pair(devices=2) as (c, e):
        d = Device(e, "tok-1")
        n = e.db("SELECT count(*) FROM entity")[0][0]
        c.cmd("sync")
        d.telemetry({"n": 1})
        until(lambda: c.stats()["syncsDone"] == 2, "the forced sync")
        until(lambda: c.stats()["received"]["points"] == 1, "telemetry goes up")
        check(e.db("SELECT count(*) FROM entity")[0][0] == n, "the same entities")
        check(syncs(c) == [True], "the edge did not ask", syncs(c))


def edge_update():
    """EdgeUpdateMsg: no acknowledgement, no sync; the edge's name changes."""
    with Pair() as (c, e):
        n = len(c.recorded())
        c.cmd("update-edge", configuration={"name": "edge-renamed", "additionalInfo": '{"description":"r2"}'})
        until(lambda: (e.entity(EDGE_ID) or {}).get("name") == "edge-renamed", "renamed")
        time.sleep(0.5)
        ups = [x["msg"] for x in c.recorded()[n:] if x["dir"] == "up"]
        check(not [m for m in ups if "downlinkResponseMsg" in m or "syncRequestMsg" in m], "no ack, no sync", ups)


def other_edge_id():
    """Checklist 9: another edge id in the configuration wipes everything and asks for a full sync."""
    with Pair(devices=2) as (c, e):
        check(e.entity(device_id(2)) is not None, "known before")
        new = "25a24040-e692-11f1-8705-1b498a4bdbff"
        c.cmd("entities", clear=True)
        fill(c, 1)
        msb, lsb = halves(new)
        c.cmd("update-edge", configuration={"edgeIdMSB": msb, "edgeIdLSB": lsb}, send=False)
        c.cmd("cut")
        until(lambda: c.stats()["syncsFull"] == 2, "a full sync", 20)
        until(lambda: c.stats()["syncsDone"] == 2, "which ends", 30)
        check(e.entity(device_id(2)) is None, "the old device is gone")
        check(e.entity(device_id(1)) is not None, "the new one is there")


def other_cloud_type():
    """Checklist 9: a cloud that is not CE is refused."""
    c = Cloud(key=None)
    c.cmd("edge", routingKey=KEY, secret=SECRET, cloudType="PE")
    fill(c)
    e = Edge(c.port)
    try:
        until(lambda: c.stats()["accepts"] >= 1, "connected")
        time.sleep(1.5)
        check(c.stats()["syncsFull"] == 0 and not c.ups(), "no sync, no uplink")
        check(e.proc.poll() is None, "the daemon runs on")
        check("community edition" in e.tail(20000), "the log says why", e.tail(1500))
    finally:
        e.stop()
        c.stop()


def tls():
    """TLS with a CA that is given; without it the connection is refused."""
    c = None
    import tempfile
    d = tempfile.mkdtemp(prefix="tbe-tls-")
    cert, key = os.path.join(d, "cert.pem"), os.path.join(d, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    c = Cloud("tlsCert=" + cert, "tlsKey=" + key)
    fill(c)
    e = Edge(c.port, env={"CLOUD_RPC_SSL_ENABLED": "true", "CLOUD_RPC_SSL_CERT": cert, "CLOUD_RPC_HOST": "127.0.0.1"})
    try:
        until(lambda: c.stats()["syncsDone"] == 1, "synchronised over TLS", 30)
        e.stop(keep=True)
        n = c.stats()["accepts"]
        e.extra = {"CLOUD_RPC_SSL_ENABLED": "true", "CLOUD_RPC_HOST": "127.0.0.1"}
        e.start()
        time.sleep(2)
        check(c.stats()["accepts"] == n, "not without the CA")
    finally:
        e.stop()
        c.stop()


def answers_pings():
    """Checklist 1: the cloud's own pings are answered at once, also while a chain is compiled and swapped."""
    with Pair("keepAliveMs=300", "keepAliveTimeoutMs=400") as (c, e):
        time.sleep(3)
        s = c.stats()
        check(s["streams"] == 1 and s["sessions"][0]["live"], "the stream lives", s["streams"])


def says_no_limit():
    """Checklist 2: a cloud that announces no message size; a SyncRequest whose fullSync is false is still a request."""
    with Pair('set={"announceMax":0}') as (c, e):
        Device(e, "tok-1").telemetry({"n": 1})
        until(lambda: c.stats()["received"]["points"] == 1, "telemetry goes up")
        e.stop(keep=True)
        e.start()
        until(lambda: c.stats()["syncsPartial"] == 1, "a partial sync is asked for")
        asked = [x["msg"]["syncRequestMsg"] for x in c.recorded() if "syncRequestMsg" in x.get("msg", {})]
        check(asked[-1] == {"fullSync": False}, "said explicitly", asked[-1])


def killed(which):
    def test():
        with Pair(devices=1) as (c, e):
            d = Device(e, "tok-1")
            pids = e.children()[which]
            os.kill(pids[0], 9)
            d.telemetry({"n": 1}, within=30)
            until(lambda: c.stats()["received"]["points"] == 1, "the point arrives", 30)
            check(d.alive, "the device stayed connected")
            check(e.children()[which] != pids, "another process")
            if which == "worker":
                check(c.stats()["streams"] == 1, "the stream was not cut")
    test.__name__ = "killed_" + which.replace("tbedge-", "")
    return test


if __name__ == "__main__":
    run_tests([first_connection, process_restart, survives("close"), survives("close", status=14), survives("reset"),
               survives("cut"), survives("restart", ms=1000), survives_half_open, survives_outage,
               refused("wrong_secret", secret="very-wrong", says="secret is wrong"),
               refused("unknown_key", key="nobody", says="knows no edge"),
               refused("unavailable", cloud=('set={"connectCode":2}',), says="could not serve"),
               becomes_right, second_session, edge_deleted, interrupted_sync, forced_sync, edge_update, other_edge_id,
               other_cloud_type, tls, answers_pings, says_no_limit, killed("worker"), killed("tbedge-link")])
