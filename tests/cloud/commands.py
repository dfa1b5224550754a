# SPDX-License-Identifier: Apache-2.0
"""Renaming, relations and alarms by tbedge's commands: what is stored, what the rule chains are told, what goes up to the
cloud; beside a running daemon and without one (facts 4.2, 4.3; rule-nodes 2.1, 14)."""
import json
import os
import shutil
import subprocess
import tempfile

from entities import Pair, asset, device_down, device_id, entity_msg, idle, ref, root_chain
from rig import BUILD, NULL_ID, TENANT_ID, Device, check, halves, run_tests, until

USER_ID = "914dafb0-e691-11f1-beeb-998483c8d1f1"
ASSET_ID = "a0000000-0000-11ee-8000-000000000001"


def user(u=USER_ID, email="jo@example.com"):
    return {"id": ref("USER", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
            "customerId": ref("CUSTOMER", NULL_ID), "email": email, "authority": "TENANT_ADMIN", "firstName": "Jo",
            "lastName": "Doe", "phone": None, "additionalInfo": None, "version": None}


def noting_chain():
    """Every message becomes a point "<message type>" of its originator: {"d": data, "m": metadata}."""
    script = ("var out = {}; out[msgType] = {'d': msg, 'm': metadata}; "
              "return {msg: out, metadata: metadata, msgType: 'POST_TELEMETRY_REQUEST'};")

    def node(kind, name, config, version=0):
        return {"type": "org.thingsboard.rule.engine." + kind, "name": name, "configuration": config,
                "configurationVersion": version, "debugSettings": None, "singletonMode": False, "queueName": None,
                "additionalInfo": {"layoutX": 1, "layoutY": 2}}
    f = {"ruleChain": {"name": "Notes", "type": "EDGE", "root": True, "firstRuleNodeId": None, "debugMode": False,
                       "configuration": None, "additionalInfo": None},
         "metadata": {"firstNodeIndex": 0, "ruleChainConnections": None, "nodes": [
             node("transform.TbTransformMsgNode", "Note", {"scriptLang": "TBEL", "jsScript": "return msg;",
                                                           "tbelScript": script}),
             node("telemetry.TbMsgTimeseriesNode", "Save", {"defaultTTL": 0, "useServerTs": True,
                                                            "processingSettings": {"type": "ON_EVERY_MESSAGE"}}, 1)],
             "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Success"}]}}
    fd, path = tempfile.mkstemp(suffix=".json", prefix="tbe-chain-")
    with os.fdopen(fd, "w") as out:
        json.dump(f, out)
    try:
        return root_chain(path=path)
    finally:
        os.unlink(path)


def noted(edge, device, kind, fits=lambda v: True):
    """The last message of a type that the chain saw of a device."""
    def look():
        v = json.loads(edge.cmd("telemetry", device, "--json")).get(kind, {}).get("value")
        v = json.loads(v) if isinstance(v, str) else v
        return v if v and fits(v) else None
    return until(look, "%s of %s in the chain" % (kind, device), 15)


def refused(edge, status, text, *args):
    got = edge.cmd(*args, ok=False)
    check(got[0] == status and text in got[1], "tbedge " + " ".join(args), got)


def settled(cloud):
    until(lambda: idle(cloud), "quiet")
    check(cloud.stats()["received"]["violationCount"] == 0, "no broken rule", cloud.stats()["received"]["violations"])


def updates(cloud, field, kind):
    return [x for x in cloud.ups(field) if x.get("msgType") == kind]


def comments(cloud):
    return [json.loads(x["entity"]) for x in cloud.ups("alarmCommentUpdateMsg")]


def know_user(cloud, u=USER_ID):
    cloud.acked(cloud.send({"userUpdateMsg": [entity_msg("USER", user(u))]}))


def renamed():
    """The device is another one in name alone: its session, its credentials and its data stay."""
    with Pair(devices=2, chain=noting_chain()) as (c, e):
        d = Device(e, "tok-1")
        d.telemetry({"n": 1})
        e.cmd("device", "set", "dev-1", "--name", "Pump 1", "--label", "P")
        up = until(lambda: updates(c, "deviceUpdateMsg", "ENTITY_UPDATED_RPC_MESSAGE"), "the update")[0]
        body = json.loads(up["entity"])
        check([up["idMSB"], up["idLSB"]] == halves(device_id(1)) and body["name"] == "Pump 1" and body["label"] == "P" and
              body["version"] is None and body["deviceProfileId"], "the device", body)
        whole = [m for m in c.ups() if up in m.get("deviceUpdateMsg", [])][0]
        check(json.loads(whole["deviceCredentialsUpdateMsg"][0]["entity"])["credentialsId"] == "tok-1" and
              "deviceProfileUpdateMsg" not in whole, "with credentials, without profile", whole)
        m = noted(e, "Pump 1", "ENTITY_UPDATED")
        check(m["d"]["name"] == "Pump 1" and m["m"]["entityName"] == "Pump 1" and m["m"]["entityType"] == "DEVICE",
              "the chain is told", m)
        d.telemetry({"n": 2})
        noted(e, "Pump 1", "POST_TELEMETRY_REQUEST", lambda v: v["d"].get("n") == 2 and v["m"]["deviceName"] == "Pump 1")
        check(d.alive, "the device stayed connected")
        e.cmd("device", "set", "Pump 1", "--label", "")
        check(e.entity(device_id(1))["label"] is None, "no label", e.entity(device_id(1)))
        refused(e, 1, "already exists", "device", "set", "Pump 1", "--name", "dev-2")
        refused(e, 1, "no device", "device", "set", "dev-1", "--name", "x")
        refused(e, 1, "should be specified", "device", "set", "dev-2", "--name", " ")
        refused(e, 1, "longer than 255", "device", "set", "dev-2", "--name", "n" * 256)
        refused(e, 1, "longer than 255", "device", "set", "dev-2", "--label", "n" * 256)
        refused(e, 2, "nothing to set", "device", "set", "dev-2")
        refused(e, 2, "usage: ", "device", "set", "--name", "x")
        e.cmd("device", "set", "dev-2", "--name", "é" * 255, "--label", "l" * 255)
        e.cmd("device", "set", "é" * 255, "--name", "é" * 255)
        c.acked(c.send(device_down(device_id(2), "dev-2", "tok-2", "ENTITY_UPDATED_RPC_MESSAGE", version=7)))
        before = e.entity(device_id(2))["version"]
        e.cmd("device", "set", "dev-2", "--label", "v")
        after = e.entity(device_id(2))["version"]
        check(before == 7 and after == 8, "the version grows", (before, after))
        settled(c)
        check(len(updates(c, "deviceUpdateMsg", "ENTITY_UPDATED_RPC_MESSAGE")) >= 3, "every change went up")


def related():
    """Both ends are told, the cloud once."""
    with Pair(devices=2, chain=noting_chain()) as (c, e):
        c.acked(c.send({"assetUpdateMsg": [entity_msg("ASSET", asset(ASSET_ID, "hall"))]}))
        e.cmd("relation", "add", "dev-1", "Uses", "DEVICE:dev-2", "--info", '{"a":1}')
        up = until(lambda: c.ups("relationUpdateMsg"), "the relation")[0]
        want = {"from": ref("DEVICE", device_id(1)), "to": ref("DEVICE", device_id(2)), "type": "Uses",
                "typeGroup": "COMMON", "version": None, "additionalInfo": {"a": 1}}
        check(json.loads(up["entity"]) == want and "msgType" not in up, "as recorded", up)
        seen = {k: v for k, v in want.items() if v is not None}  # stored JSON values have no nulls
        for name in ("dev-1", "dev-2"):
            got = noted(e, name, "RELATION_ADD_OR_UPDATE")
            check(got["d"] == seen and "entityName" not in got["m"], "told at " + name, got)
        e.cmd("relation", "add", "dev-1", "Uses", "ASSET:" + ASSET_ID)
        e.cmd("relation", "add", "ASSET:hall", "Contains", "dev-2")
        check(e.cmd("relation", "list", "dev-2") == "ASSET:hall\tContains\tDEVICE:dev-2\nDEVICE:dev-1\tUses\tDEVICE:dev-2\n" or
              e.cmd("relation", "list", "dev-2") == "DEVICE:dev-1\tUses\tDEVICE:dev-2\nASSET:hall\tContains\tDEVICE:dev-2\n",
              "list", e.cmd("relation", "list", "dev-2"))
        check(len(e.cmd("relation", "list", "dev-1").splitlines()) == 2 and
              e.cmd("relation", "list", "dev-2", "Contains") == "ASSET:hall\tContains\tDEVICE:dev-2\n", "by type")
        check([json.loads(x)["type"] for x in e.cmd("relation", "list", "ASSET:hall", "Contains", "--json").splitlines()] ==
              ["Contains"], "as JSON")
        e.cmd("relation", "rm", "dev-1", "Uses", "dev-2")
        gone = until(lambda: updates(c, "relationUpdateMsg", "ENTITY_DELETED_RPC_MESSAGE"), "the deletion")[0]
        check(json.loads(gone["entity"]) == want, "the whole relation", gone)
        for name in ("dev-1", "dev-2"):
            check(noted(e, name, "RELATION_DELETED")["d"] == seen, "told at " + name)
        refused(e, 1, "no such relation", "relation", "rm", "dev-1", "Uses", "dev-2")
        refused(e, 1, "no device", "relation", "add", "dev-1", "Uses", "dev-9")
        refused(e, 1, 'no ASSET "cellar"', "relation", "add", "ASSET:cellar", "Contains", "dev-1")
        refused(e, 1, "no user", "relation", "add", "dev-1", "Uses", "dev-2", "--user", "nobody@example.com")
        refused(e, 1, "1 to 255", "relation", "add", "dev-1", "t" * 256, "dev-2")
        refused(e, 2, "usage: ", "relation", "add", "dev-1", "Uses")
        refused(e, 2, "JSON object", "relation", "add", "dev-1", "Uses", "dev-2", "--info", "[1]")
        e.cmd("relation", "add", "TENANT", "t" * 255, "dev-2")
        settled(c)
        check(len(c.ups("relationUpdateMsg")) == 5, "one message each", c.ups("relationUpdateMsg"))


def alarms():
    """Raised, changed, acknowledged, cleared, removed; the chain hears all of it, the cloud the comments and the end."""
    with Pair(devices=2, chain=noting_chain()) as (c, e):
        know_user(c)
        out = e.cmd("alarm", "create", "dev-1", "High", "--severity", "MINOR", "--details", '{"t":1}').split()
        check(out[:2] == ["created", "High"], "made", out)
        u = out[2]
        m = noted(e, "dev-1", "ENTITY_CREATED")
        check(m["d"]["id"]["id"] == u and m["d"]["status"] == "ACTIVE_UNACK" and m["d"]["details"] == {"t": 1} and
              m["d"]["originator"]["id"] == device_id(1), "the alarm", m)
        out = e.cmd("alarm", "create", "dev-1", "High", "--severity", "CRITICAL").split()
        check(out == ["updated", "High", u], "the active one", out)
        check(noted(e, "dev-1", "ENTITY_UPDATED")["d"]["severity"] == "CRITICAL", "severity")
        e.cmd("alarm", "ack", u, "--user", "jo@example.com")
        m = noted(e, "dev-1", "ALARM_ACK")
        check(m["m"]["userEmail"] == "jo@example.com" and m["m"]["userId"] == USER_ID and m["m"]["entityName"] == "High" and
              m["m"]["userFirstName"] == "Jo", "who", m)
        e.cmd("alarm", "clear", u)
        m = noted(e, "dev-1", "ALARM_CLEAR")
        check(m["d"]["status"] == "CLEARED_ACK" and m["d"]["clearTs"] > 0 and "userId" not in m["m"], "cleared", m)
        said = until(lambda: (lambda x: x if len(x) == 3 else None)(comments(c)), "three comments")
        said = {x["comment"]["subtype"]: x for x in said}
        check(said["SEVERITY_CHANGED"]["comment"]["oldSeverity"] == "MINOR", "severity", said)
        ack = said["ACKED_BY_USER"]
        check(ack["userId"] == ref("USER", USER_ID) and ack["comment"] == {
            "text": "Alarm was acknowledged by user Jo Doe", "subtype": "ACKED_BY_USER", "userName": "Jo Doe"} and
            ack["alarmId"] == ref("ALARM", u) and ack["type"] == "SYSTEM" and json.loads(ack["name"]) == ack["comment"],
            "the comment", ack)
        check(said["CLEARED_BY_USER"]["userId"] is None, "nobody in particular", said)
        check(c.ups("alarmUpdateMsg") == [], "no chain pushes alarms", c.ups("alarmUpdateMsg"))
        out = e.cmd("alarm", "list", "dev-1").rstrip("\n").split("\t")
        check(out[:4] == [u, "High", "CRITICAL", "CLEARED_ACK"], "list", out)
        refused(e, 1, "already acknowledged", "alarm", "ack", u)
        refused(e, 1, "already cleared", "alarm", "clear", u)
        again = e.cmd("alarm", "create", "dev-1", "High", "--severity", "MAJOR").split()
        check(again[0] == "created" and again[2] != u, "a cleared alarm stays cleared", again)
        check([json.loads(x)["status"] for x in e.cmd("alarm", "list", "dev-1", "--json").splitlines()] ==
              ["ACTIVE_UNACK", "CLEARED_ACK"], "newest first", e.cmd("alarm", "list", "dev-1"))
        e.cmd("alarm", "rm", u)
        gone = until(lambda: c.ups("alarmUpdateMsg"), "the deletion")[0]
        body = json.loads(gone["entity"])
        check(gone["msgType"] == "ENTITY_DELETED_RPC_MESSAGE" and [gone["idMSB"], gone["idLSB"]] == halves(u) and
              body["type"] == "High" and body["status"] == "CLEARED_ACK", "the whole alarm", gone)
        check(noted(e, "dev-1", "ALARM_DELETE")["d"]["id"]["id"] == u, "told")
        check(not e.db("SELECT 1 FROM state WHERE key LIKE ?", "alarm.comment.%s%%" % u), "its comments went with it")
        wrong_alarms(e, u)
        settled(c)


def wrong_alarms(e, gone):
    refused(e, 1, "there is no alarm", "alarm", "ack", gone)
    refused(e, 1, "there is no alarm", "alarm", "rm", gone)
    refused(e, 2, "not the id of an alarm", "alarm", "clear", "High")
    refused(e, 1, "no device", "alarm", "create", "dev-9", "High", "--severity", "MAJOR")
    refused(e, 1, "no device", "alarm", "list", "dev-9")
    refused(e, 1, "no user", "alarm", "create", "dev-1", "x", "--severity", "MAJOR", "--user", "nobody@example.com")
    refused(e, 2, "--severity S is missing", "alarm", "create", "dev-1", "High")
    refused(e, 2, 'got "major"', "alarm", "create", "dev-1", "High", "--severity", "major")
    refused(e, 2, "must be JSON", "alarm", "create", "dev-1", "High", "--severity", "MAJOR", "--details", "{")
    refused(e, 2, "usage: ", "alarm", "create", "dev-1", "--severity", "MAJOR")
    refused(e, 1, "1 to 255", "alarm", "create", "dev-1", "t" * 256, "--severity", "MAJOR")
    refused(e, 2, "usage:", "alarm", "shout")
    check(e.cmd("alarm", "create", "dev-2", "é" * 255, "--severity", "WARNING").startswith("created "), "the longest type")


def pushed_alarms():
    """Where the chain pushes alarms, acknowledging and clearing go up as such."""
    chain = root_chain(also=[("Message Type Switch", "Push to cloud", x)
                             for x in ("Alarm Acknowledged", "Alarm Cleared")])
    with Pair(chain=chain) as (c, e):
        u = e.cmd("alarm", "create", "dev-1", "High", "--severity", "MAJOR").split()[2]
        e.cmd("alarm", "ack", u)
        e.cmd("alarm", "clear", u)
        got = until(lambda: (lambda x: x if len(x) == 2 else None)(c.ups("alarmUpdateMsg")), "both")
        check([x["msgType"] for x in got] == ["ALARM_ACK_RPC_MESSAGE", "ALARM_CLEAR_RPC_MESSAGE"], "kinds", got)
        check(all([x["idMSB"], x["idLSB"]] == halves(u) for x in got), "the alarm", got)
        settled(c)


def without_daemon():
    """What is done while no daemon runs goes up later; an edge that never had a cloud queues nothing."""
    with Pair(devices=2) as (c, e):
        until(lambda: idle(c), "quiet")
        e.stop(keep=True)
        e.cmd("device", "set", "dev-1", "--name", "Pump 1")
        e.cmd("relation", "add", "Pump 1", "Uses", "dev-2")
        u = e.cmd("alarm", "create", "Pump 1", "High", "--severity", "MAJOR").split()[2]
        e.cmd("alarm", "clear", u)
        refused(e, 1, "already exists", "device", "set", "dev-2", "--name", "Pump 1")
        refused(e, 1, "no device", "relation", "add", "dev-1", "Uses", "dev-2")
        refused(e, 1, "already cleared", "alarm", "clear", u)
        refused(e, 2, "usage: ", "relation", "list")
        e.start()
        until(lambda: updates(c, "deviceUpdateMsg", "ENTITY_UPDATED_RPC_MESSAGE") and c.ups("relationUpdateMsg") and
              comments(c), "what was done", 20)
        e.cmd("alarm", "rm", u)
        until(lambda: c.ups("alarmUpdateMsg"), "the deletion")
        settled(c)
    data = tempfile.mkdtemp(prefix="tbe-edge-")

    def tbedge(*args):
        return subprocess.run([os.path.join(BUILD, "tbedge"), "--data", data, *args], capture_output=True, text=True,
                              timeout=30, check=True).stdout
    try:
        for name in ("a", "b"):
            tbedge("device", "add", name)
        tbedge("device", "set", "a", "--name", "c")
        tbedge("relation", "add", "c", "Uses", "b")
        tbedge("alarm", "clear", tbedge("alarm", "create", "b", "High", "--severity", "MAJOR").split()[2])
        check(tbedge("relation", "list", "b") == "DEVICE:c\tUses\tDEVICE:b\n", "the relation")
        check(tbedge("alarm", "list", "b").split("\t")[3] == "CLEARED_UNACK", "the alarm")
        check(tbedge("outbox") == "", "nobody to tell", tbedge("outbox"))
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    run_tests([renamed, related, alarms, pushed_alarms, without_daemon])
