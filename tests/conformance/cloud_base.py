# SPDX-License-Identifier: Apache-2.0
"""What a replayed transcript starts from and what its marks ask for: the entities the recorded edge knew, the commands
and device actions that stand for a mark, and what must be stored after each downlink."""
import http.client
import json
import os
import re
import select
import struct
import time
import uuid

from cloud_match import flatten, whole
from entities import (ASSET_PROFILE_ID, asset, asset_profile, credentials, device, device_profile, entity_msg, ref,
                      root_chain)
from rig import CHAIN_ID, EDGE_ID, NULL_ID, PROFILE_ID, TENANT_ID, Cloud, Failed, halves

# field of DownlinkMsg -> (entity type, requests that follow its creation: facts 4.3)
KINDS = {"deviceUpdateMsg": "DEVICE", "assetUpdateMsg": "ASSET", "entityViewUpdateMsg": "ENTITY_VIEW",
         "dashboardUpdateMsg": "DASHBOARD", "deviceProfileUpdateMsg": "DEVICE_PROFILE",
         "assetProfileUpdateMsg": "ASSET_PROFILE", "customerUpdateMsg": "CUSTOMER", "userUpdateMsg": "USER",
         "ruleChainUpdateMsg": "RULE_CHAIN", "calculatedFieldUpdateMsg": "CALCULATED_FIELD",
         "otaPackageUpdateMsg": "OTA_PACKAGE", "widgetTypeUpdateMsg": "WIDGET_TYPE",
         "widgetsBundleUpdateMsg": "WIDGETS_BUNDLE", "queueUpdateMsg": "QUEUE", "resourceUpdateMsg": "TB_RESOURCE",
         "aiModelUpdateMsg": "AI_MODEL"}
BORN = {"deviceUpdateMsg", "assetUpdateMsg", "entityViewUpdateMsg", "dashboardUpdateMsg"}
ASKED_WHEN_NEW = {"DEVICE", "ASSET", "ENTITY_VIEW", "DASHBOARD", "DEVICE_PROFILE", "ASSET_PROFILE"}
OWNERS = {"DEVICE": "deviceUpdateMsg", "ASSET": "assetUpdateMsg", "ENTITY_VIEW": "entityViewUpdateMsg",
          "DASHBOARD": "dashboardUpdateMsg", "DEVICE_PROFILE": "deviceProfileUpdateMsg",
          "ASSET_PROFILE": "assetProfileUpdateMsg"}
# What the edge stores otherwise than it came (facts 6.1, 7.3, 6.2, 5.3).
REWRITTEN = {"DEVICE": {"type", "firmwareId", "softwareId", "customerId"}, "ASSET": {"type", "customerId"},
             "DEVICE_PROFILE": {"default", "defaultRuleChainId", "defaultEdgeRuleChainId", "defaultDashboardId",
                                "firmwareId", "softwareId"},
             "ASSET_PROFILE": {"default", "defaultRuleChainId", "defaultEdgeRuleChainId", "defaultDashboardId"},
             "RULE_CHAIN": {"type", "root", "firstRuleNodeId"}, "DASHBOARD": {"assignedCustomers"},
             "ENTITY_VIEW": {"customerId"}, "USER": {"customerId"}, "OTA_PACKAGE": {"data", "hasData"}}


def differences(path):
    out = []
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if line and not line.startswith("#"):
            head, reason = line.split(" : ", 1)
            kind, what = head.split(" ", 1)
            out.append((kind, what.strip(), reason.strip()))
    return out


def user(u, shown):
    """Who did something on the recorded edge, by what the recording shows of the name."""
    mail = "@" in shown
    return {"id": ref("USER", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
            "customerId": ref("CUSTOMER", NULL_ID), "email": shown if mail else u + "@example.com",
            "authority": "TENANT_ADMIN", "firstName": None if mail or not shown else shown, "lastName": None,
            "phone": None, "additionalInfo": None, "version": None}


def is_statistics(up):
    return not flatten(up)


class ReplayCloud(Cloud):
    """A test cloud with a second control connection that hears everything."""

    def __init__(self, *args):
        super().__init__(*args, key=None)
        self.ear = None
        self.rest = b""

    def subscribe(self):
        import socket
        self.ear = socket.socket(socket.AF_UNIX)
        self.ear.connect(self.ctl)
        self.ear.sendall(b"subscribe\n")

    def events(self, seconds=0.0):
        out, end = [], time.time() + seconds
        while True:
            left = max(0, end - time.time())
            ready, _, _ = select.select([self.ear], [], [], 0 if out else left)
            if not ready:
                return out
            data = self.ear.recv(1 << 20)
            if not data:
                return out
            self.rest += data
            *lines, self.rest = self.rest.split(b"\n")
            out += [x for x in map(json.loads, lines) if "dir" in x]

    def stop(self):
        if self.ear:
            self.ear.close()
        return super().stop()


class Base:
    """What the recorded edge knew before the first line, as far as the file tells."""

    def __init__(self, t):
        self.t = t
        self.known, self.stamps, self.given_up = set(), set(), []
        self.tokens, self.names, self.alias, self.words = {}, {}, {}, {}
        self.gateways = {m.group(1) for x in t.lines for m in
                         [re.search(r"([\w-]+) (?:posts to|publishes(?: to)?) v1/gateway/", x.get("mark", ""))] if m}
        self.pending = []
        self.scan()

    # Reading the file -----------------------------------------------------------------------------------

    def scan(self):
        t = self.t
        self.created, self.born, self.asked = {}, set(), set()
        self.bodies, self.types, self.users = {}, {}, {}
        self.scan_uplinks()
        for _, d in t.downlinks():
            for field, kind in KINDS.items():
                for m in d.get(field, []):
                    u = whole(m.get("idMSB"), m.get("idLSB"))
                    if u in self.born:
                        continue
                    self.created.setdefault(u, m.get("msgType", "ENTITY_CREATED_RPC_MESSAGE"))
                    self.types[u] = kind
                    self.known.add(u)
                    if m.get("entity"):
                        self.bodies.setdefault(u, json.loads(m["entity"]))
            self.note_ids(d)
            for c in d.get("deviceCredentialsUpdateMsg", []):
                self.note_credentials(c)
        self.note_names()

    def scan_uplinks(self):
        """What was born on the edge, what it asked about, what it knew."""
        for _, u in self.t.uplinks():
            for field, v in flatten(u):
                if field in BORN and "msgType" not in v and isinstance(v.get("entity"), dict):
                    self.born.add(v["id"])
                    self.bodies.setdefault(v["id"], v["entity"])
                elif field in ("deviceProfileUpdateMsg", "assetProfileUpdateMsg") and isinstance(v.get("entity"), dict):
                    self.bodies.setdefault(v["id"], v["entity"])
                elif field == "alarmCommentUpdateMsg" and (v["entity"].get("userId") or {}).get("id"):
                    u = v["entity"]["userId"]["id"]
                    self.users.setdefault(u, v["entity"].get("comment", {}).get("userName") or "")
                    self.known.add(u)
                elif field.endswith("RequestMsg"):
                    self.asked.add(v.get("entityId"))
                elif field == "entityData" and v["entityId"] not in self.born:
                    self.types.setdefault(v["entityId"], v["entityType"])
                elif field == "deviceRpcCallMsg":
                    self.types.setdefault(v["deviceId"], "DEVICE")

    def note_ids(self, d):
        """Entities a downlink speaks about without bringing them."""
        for m in d.get("entityData", []):
            self.types.setdefault(whole(m.get("entityIdMSB"), m.get("entityIdLSB")), m["entityType"])
        for m in d.get("deviceRpcCallMsg", []):
            self.types.setdefault(whole(m.get("deviceIdMSB"), m.get("deviceIdLSB")), "DEVICE")
        for m in d.get("deviceCredentialsUpdateMsg", []):
            self.types.setdefault(json.loads(m["entity"])["deviceId"]["id"], "DEVICE")
        for m in d.get("relationUpdateMsg", []):
            e = json.loads(m["entity"])
            for end in ("from", "to"):
                self.types.setdefault(e[end]["id"], e[end]["entityType"])
        for field, key in (("alarmUpdateMsg", "originator"), ("calculatedFieldUpdateMsg", "entityId"),
                           ("entityViewUpdateMsg", "entityId")):
            for m in d.get(field, []):
                e = json.loads(m["entity"]) if m.get("entity") else {}
                if e.get(key):
                    self.types.setdefault(e[key]["id"], e[key]["entityType"])

    def note_credentials(self, c):
        e = json.loads(c["entity"])
        self.tokens.setdefault(e["deviceId"]["id"], e)

    def note_names(self):
        """Names of the marks: from entity texts, from the README beside the file, else by what is left over."""
        for u, b in self.bodies.items():
            if self.types.get(u) in ("DEVICE", "ASSET") or u in self.born:
                self.names.setdefault(b.get("name"), u)
        readme = os.path.join(os.path.dirname(os.path.abspath(self.t.path)), "README.md")
        if os.path.exists(readme):
            text = open(readme, encoding="utf-8").read().replace("\n", " ")
            for name, u in re.findall(r"([\w-]+)(?: \([^)]*\))? ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", text):
                self.names.setdefault(name, u)
        mentioned = []
        for x in self.t.lines:
            mentioned += re.findall(r"\bdev(?:ice)?-[\w-]*\w", x.get("mark", ""))
        lost = [n for n in dict.fromkeys(mentioned) if n not in self.names]
        free = [u for u, k in self.types.items() if k == "DEVICE" and u not in self.names.values()
                and u not in self.born]
        for n, u in zip(lost, free):
            self.names[n] = u
        self.known |= {u for u in self.types if u not in self.born} | {TENANT_ID, NULL_ID, PROFILE_ID, CHAIN_ID}
        for n, u in self.names.items():
            if u not in self.born and re.match(r"dev", n) and any(n in x.get("mark", "") for x in self.t.lines):
                self.types.setdefault(u, "DEVICE")
                self.known.add(u)

    # The edge before the first line -------------------------------------------------------------------------

    def edge_config(self):
        c = self.t.config
        if c:
            return {"configuration": c}
        edge = EDGE_ID
        for _, u in self.t.uplinks():
            for m in u.get("entityData", []) + u.get("attributesRequestMsg", []):
                if m.get("entityType") == "EDGE":
                    edge = whole(m["entityIdMSB"], m["entityIdLSB"])
        return {"id": edge, "tenantId": TENANT_ID, "name": "edge-1"}

    def existed(self, u, kind):
        """Whether the edge knew the entity: what is new is asked about (4.3)."""
        if u in self.born or kind not in OWNERS:
            return False
        if u not in self.created:
            return True
        if self.created[u] != "ENTITY_CREATED_RPC_MESSAGE":
            return kind not in ("DEVICE_PROFILE", "ASSET_PROFILE") or u not in self.asked
        return kind in ASKED_WHEN_NEW and u not in self.asked and not self.t.bare

    def prelude(self):
        """DownlinkMsgs of a sync that makes the edge know it all."""
        names = {u: n for n, u in self.names.items()}
        profiles = {PROFILE_ID: device_profile(PROFILE_ID, "default", True)}
        asset_profiles = {ASSET_PROFILE_ID: asset_profile(ASSET_PROFILE_ID, "default", True)}
        rest = []
        for u, kind in list(self.types.items()):
            if not self.existed(u, kind):
                continue
            body = self.bodies.get(u)
            if kind == "DEVICE_PROFILE":
                profiles[u] = body or device_profile(u, "profile " + u[:8])
            elif kind == "ASSET_PROFILE":
                asset_profiles[u] = body or asset_profile(u, "asset profile " + u[:8])
            else:
                rest.append((u, kind, self.before(u, kind, body, names.get(u))))
        for u, kind, body in rest:
            p = (body.get("deviceProfileId") or {}).get("id")
            if kind == "DEVICE" and p and p not in profiles:
                profiles[p] = self.bodies.get(p) or device_profile(p, body.get("type") or "profile " + p[:8])
            p = (body.get("assetProfileId") or {}).get("id")
            if kind == "ASSET" and p and p not in asset_profiles:
                asset_profiles[p] = asset_profile(p, body.get("type") or "asset profile " + p[:8])
        for u in (PROFILE_ID, ASSET_PROFILE_ID):
            (profiles if u == PROFILE_ID else asset_profiles)[u].update(self.bodies.get(u) or {})
        yield root_chain()
        for u, name in self.users.items():
            yield {"userUpdateMsg": [entity_msg("USER", self.bodies.get(u) or user(u, name))]}
        for b in profiles.values():
            yield {"deviceProfileUpdateMsg": [entity_msg("DEVICE_PROFILE", b)]}
        for b in asset_profiles.values():
            yield {"assetProfileUpdateMsg": [entity_msg("ASSET_PROFILE", b)]}
        for u, kind, body in rest:
            d = {OWNERS[kind]: [entity_msg(kind, body)]}
            if kind == "DEVICE":
                d["deviceCredentialsUpdateMsg"] = [credentials(u, self.token(u))]
            yield d

    def before(self, u, kind, body, name):
        """The entity as it was; where the file only has it changed, something of it is made different."""
        if body and self.created.get(u) == "ENTITY_CREATED_RPC_MESSAGE":
            return body
        if kind == "ASSET":
            return asset(u, name or "asset " + u[:8], ((body or {}).get("assetProfileId") or {}).get("id",
                                                                                                  ASSET_PROFILE_ID))
        if kind == "DEVICE":
            return self.as_gateway(name, device(u, name if name and name != (body or {}).get("name") else "device " + u[:8],
                          ((body or {}).get("deviceProfileId") or {}).get("id", PROFILE_ID)))
        return body or {"id": ref(kind, u), "tenantId": ref("TENANT", TENANT_ID), "name": name or kind + u[:8],
                        "title": name or kind + u[:8], "createdTime": 1700000000000}

    def as_gateway(self, name, body):
        return dict(body, additionalInfo={"gateway": True}) if name in self.gateways else body

    def token(self, u):
        e = self.tokens.get(u)
        if e and e["credentialsType"] == "ACCESS_TOKEN":
            return e["credentialsId"]
        return "token-" + u[:8]

    def login(self, u):
        """How the device connects now."""
        e = self.now.get(u) if hasattr(self, "now") else None
        if e and e["credentialsType"] == "MQTT_BASIC":
            v = json.loads(e["credentialsValue"])
            return {"client_id": v.get("clientId") or "", "user": v.get("userName"), "password": v.get("password")}
        return {"token": e["credentialsId"] if e else self.token(u)}

    def id_of(self, name):
        u = self.names.get(name)
        if not u:
            raise Failed("nothing tells which device %s is" % name)
        return self.alias.get(u, u)

    # During the run -----------------------------------------------------------------------------------------

    def learn(self, expected, got):
        """An entity born on the edge: its id here."""
        if expected[0] == "deviceUpdateMsg" and isinstance(expected[1], dict) and expected[1]["id"] in self.born:
            self.alias[expected[1]["id"]] = got[1]["id"]
        elif expected[0] == "deviceRpcCallMsg" and expected[1].get("sessionId"):
            for k in ("sessionId", "serviceId"):
                self.words[expected[1].get(k)] = got[1].get(k)

    def ours(self, x):
        """A recorded message with the ids that entities born on the edge have in this run."""
        changed = self.renamed(x["msg"])
        return x if changed == x["msg"] else {"msg": changed}

    def renamed(self, v):
        if isinstance(v, list):
            return [self.renamed(i) for i in v]
        if isinstance(v, str):
            for old, new in self.alias.items():
                v = v.replace(old, new)
            return v
        if not isinstance(v, dict):
            return v
        v = {k: self.words.get(i, i) if k in ("sessionId", "serviceId") else i for k, i in v.items()}
        out = {k: self.renamed(i) for k, i in v.items()}
        for k in v:
            if k.endswith("MSB") and k[:-3] + "LSB" in v:
                new = self.alias.get(whole(v[k], v[k[:-3] + "LSB"]))
                if new:
                    out[k], out[k[:-3] + "LSB"] = halves(new)
        return out

    def give_up(self, item):
        self.given_up.append(item)

    def impossible(self, item, step, line):
        if item in self.given_up:
            self.given_up.remove(item)
            return True
        return False

    def saw_down(self, m, edge):
        """Notes what must be stored once it is acknowledged."""
        d = m.get("downlinkMsg", {})
        for field, kind in KINDS.items():
            for x in d.get(field, []):
                u = whole(x.get("idMSB"), x.get("idLSB"))
                gone = x.get("msgType") == "ENTITY_DELETED_RPC_MESSAGE"
                body = None if gone or not x.get("entity") else json.loads(x["entity"])
                self.pending = [p for p in self.pending if p[1] != u]
                if gone or body:
                    self.pending.append((kind, u, body))
        for c in d.get("deviceCredentialsUpdateMsg", []):
            e = json.loads(c["entity"])
            self.now = getattr(self, "now", {})
            self.now[e["deviceId"]["id"]] = e
        for x in d.get("entityData", []):
            u = whole(x.get("entityIdMSB"), x.get("entityIdLSB"))
            for k in ("attributesUpdatedMsg", "attributeDeleteMsg"):
                if k in x:
                    self.pending.append((k, u, x))
        for x in d.get("relationUpdateMsg", []):
            self.pending.append(("RELATION", json.dumps(x), x))
        for number in re.findall(r"\d{13}", json.dumps(d)):
            self.stamps.add(number)

    def check_stored(self, edge):
        """(what, wanted, True or got) for what the downlinks of the step brought."""
        todo, self.pending = self.pending, []
        for kind, u, want in todo:
            if not edge or edge.proc.poll() is not None:
                continue
            if kind == "attributesUpdatedMsg":
                yield from self.stored_attributes(edge, u, want)
            elif kind == "attributeDeleteMsg":
                keys = [r[0] for r in edge.db("SELECT key FROM attribute WHERE eid = ?", uuid.UUID(u).bytes)]
                left = [k for k in want["attributeDeleteMsg"].get("attributeNames", []) if k in keys]
                yield "attributes deleted", [], not left or left
            elif kind == "RELATION":
                yield self.stored_relation(edge, want)
            else:
                yield self.stored_entity(edge, kind, u, want)

    def stored_entity(self, edge, kind, u, want):
        got = edge.entity(u)
        what = "%s %s" % (kind, u)
        if want is None:
            return what + " is gone", None, got is None or got
        if got is None:
            return what, want, "nothing"
        skip = REWRITTEN.get(kind, set()) | {"version", "name" if kind == "DASHBOARD" else "", "createdTime"}
        diff = {k: (v, got.get(k)) for k, v in want.items() if k not in skip and not same_json(v, got.get(k))}
        return what, want, not diff or {"differs": diff}

    def stored_attributes(self, edge, u, x):
        if edge.entity(u) is None:
            return
        rows = {k: number(v) for k, v in edge.db("SELECT key, value FROM attribute WHERE eid = ?",
                                                 uuid.UUID(u).bytes)}
        for kv in x["attributesUpdatedMsg"].get("kv", []):
            v = next((kv[k] for k in ("long_v", "double_v", "string_v", "bool_v", "json_v") if k in kv), 0)
            got = rows.get(kv["key"])
            if kv.get("type") == "JSON_V":
                ok = got is not None and same_json(json.loads(v), json.loads(got))
            else:
                ok = got is not None and str(int(v) if isinstance(v, bool) else v) == str(got)
            yield "attribute " + kv["key"], v, ok or {"stored": got}

    def stored_relation(self, edge, x):
        e = json.loads(x["entity"])
        a, b = (uuid.UUID(e[k]["id"]) for k in ("from", "to"))
        rows = edge.db("SELECT count(*) FROM relation WHERE fid = ? AND tid = ? AND type = ?", a.bytes, b.bytes,
                       e["type"])[0][0]
        ends = all(edge.entity(str(i)) is not None or str(i) == TENANT_ID for i in (a, b))
        want = 0 if x.get("msgType") == "ENTITY_DELETED_RPC_MESSAGE" or not ends else 1
        return "relation %s" % e["type"], want, rows == want or rows


def number(v):
    """The store keeps doubles as their eight bytes."""
    return struct.unpack("<d", v)[0] if isinstance(v, bytes) and len(v) == 8 else v


def same_json(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return all(same_json(a.get(k), b.get(k)) for k in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    return a == b


# Marks ------------------------------------------------------------------------------------------------------

def publish(r, m, block):
    u, topic = r.base.id_of(m.group(1)), m.group(2)
    if not topic.startswith("/"):
        r.device(u).publish(topic, m.group(3))
        return
    path = re.sub(r"^(/api/v1/)[^/]+", r"\g<1>" + r.base.login(u).get("token", ""), topic)
    c = http.client.HTTPConnection("127.0.0.1", r.edge.http, timeout=20)
    c.request("POST", path, m.group(3).encode(), {"Content-Type": "application/json"})
    status = c.getresponse().status
    c.close()
    if status != 200:
        raise Failed("POST %s: HTTP %d" % (path, status))


def connect(r, m, block):
    r.device(r.base.id_of(m.group(1)))


def disconnect(r, m, block):
    r.disconnect(r.base.id_of(m.group(1)))


def stop_process(r, m, block):
    pass  # the end of the stream, which follows, stops it


def start_process(r, m, block):
    pass  # the connect, which follows, starts it


def create_device(r, m, block):
    name, text = m.group(1) or m.group(2), m.group(0)
    born = next((v for x in block if x.get("dir") == "up" and "uplinkMsg" in x["msg"]
                 for f, v in flatten(x["msg"]["uplinkMsg"]) if f == "deviceUpdateMsg"), None)
    token = next((json.loads(c["entity"])["credentialsId"] for x in block if x.get("dir") == "up"
                  for c in x["msg"].get("uplinkMsg", {}).get("deviceCredentialsUpdateMsg", [])), None)
    args = ["device", "add", name]
    if token:
        args += ["--token", token]
    if born and born["entity"].get("label"):
        args += ["--label", born["entity"]["label"]]
    if born and born["entity"].get("type") not in (None, "default"):
        args += ["--profile", born["entity"]["type"]]
    if born and born["entity"].get("additionalInfo"):
        args += ["--info", json.dumps(born["entity"]["additionalInfo"])]
    u = r.edge.cmd(*args).split()[-1]
    if born:
        r.base.alias[born["id"]] = u
        r.base.names[name] = born["id"]
        r.base.here = getattr(r.base, "here", {})
        r.base.here[born["id"]] = name
    del text


def sent(block, field):
    """The first of these that the recorded edge sent in the step."""
    return next((v for x in block if x.get("dir") == "up" and "uplinkMsg" in x["msg"]
                 for f, v in flatten(x["msg"]["uplinkMsg"]) if f == field), None)


def rename_device(r, m, block):
    u = (sent(block, "deviceUpdateMsg") or {}).get("id") or r.base.names.get(m.group(1) or m.group(2))
    stored = r.edge.entity(r.base.alias.get(u, u)) if u else None
    if not stored:
        raise Failed("nothing tells which device is renamed")
    new = m.group(3) or m.group(4)
    r.edge.cmd("device", "set", stored["name"], "--name", new)
    r.base.names[new] = u
    r.base.here = getattr(r.base, "here", {})
    r.base.here[u] = new


def entity_word(r, name, recorded=None):
    """How a command names an entity of the recording."""
    u = recorded["id"] if recorded else r.base.names.get(name)
    kind = recorded["entityType"] if recorded else r.base.types.get(u, "DEVICE")
    if not u:
        raise Failed("nothing tells what %s is" % name)
    return "%s:%s" % (kind, r.base.alias.get(u, u))


def create_relation(r, m, block):
    e = (sent(block, "relationUpdateMsg") or {}).get("entity") or {}
    r.base.relation = (entity_word(r, m.group(1), e.get("from")), m.group(2), entity_word(r, m.group(3), e.get("to")))
    r.edge.cmd("relation", "add", *r.base.relation,
               *(["--info", json.dumps(e["additionalInfo"])] if e.get("additionalInfo") else []))


def delete_relation(r, m, block):
    e = (sent(block, "relationUpdateMsg") or {}).get("entity")
    if e:
        words = entity_word(r, None, e["from"]), e["type"], entity_word(r, None, e["to"])
    elif m.lastindex:
        words = entity_word(r, m.group(1)), m.group(2), entity_word(r, m.group(3))
    else:
        words = getattr(r.base, "relation", None)
    if not words:
        raise Failed("nothing tells which relation")
    r.edge.cmd("relation", "rm", *words)


def create_alarm(r, m, block):
    out = r.edge.cmd("alarm", "create", entity_word(r, m.group(3)), m.group(1), "--severity", m.group(2))
    r.base.alarm = out.split()[-1]


ALARM_WORDS = {"acknowledge": "ack", "ack": "ack", "clear": "clear", "delete": "rm"}


def change_alarm(r, m, block):
    """As the user whose comment the recorded edge sent, when the edge here knows that user."""
    if not getattr(r.base, "alarm", None):
        raise Failed("nothing tells which alarm")
    who = ((sent(block, "alarmCommentUpdateMsg") or {}).get("entity", {}).get("userId") or {}).get("id")
    stored = r.edge.entity(who) if who else None
    r.edge.cmd("alarm", ALARM_WORDS[m.group(1)], r.base.alarm, *(["--user", stored["email"]] if stored else []))


def delete_device(r, m, block):
    gone = next((v["id"] for x in block if x.get("dir") == "up" and "uplinkMsg" in x["msg"]
                 for f, v in flatten(x["msg"]["uplinkMsg"]) if f == "deviceUpdateMsg"), None)
    here = getattr(r.base, "here", {})
    r.edge.cmd("device", "rm", here.get(gone, m.group(1)))


def save_attributes(r, m, block):
    name = m.group(2)
    target = next((v["entityId"] for x in block if x.get("dir") == "up" and "uplinkMsg" in x["msg"]
                   for f, v in flatten(x["msg"]["uplinkMsg"]) if f == "entityData"), None)
    here = getattr(r.base, "here", {})
    r.edge.cmd("attr", "set", here.get(target, name), "--scope", m.group(1), "--json", m.group(3))


def nothing_to_do(r, m, block):
    pass


def no_means(r, m, block):
    raise Failed("there is no command for it yet")


NAME = r'(?:"([^"]+)"|([\w-]+))'
ACTIONS = [
    (r"^(?:device )?([\w-]+) (?:posts(?: over HTTP)? to|publishes(?: to)?|POST) (\S+) (.*)$", publish),
    (r"^(?:device )?([\w-]+) connects to the edge", connect),
    (r"^(?:device )?([\w-]+) disconnects", disconnect),
    (r"process is stopped|SIGTERM", stop_process),
    (r"edge process starts|process starts again", start_process),
    (r"^edge REST: create device " + NAME, create_device),
    (r"^edge REST: delete (?:device )?([\w-]+)$", delete_device),
    (r"^edge REST: rename (?:device )?" + NAME + " to " + NAME, rename_device),
    (r"^edge REST: (?:create|save|add) relation (\S+) -([^>]+)-> (\S+)", create_relation),
    (r"^edge REST: (?:delete|remove) (?:that relation|relation (\S+) -([^>]+)-> (\S+))", delete_relation),
    (r"^edge REST: create alarm (?:type )?([^,]+), (\w+) on ([\w-]+)", create_alarm),
    (r"^edge REST: (acknowledge|ack|clear|delete) (?:that alarm|the alarm|it)\b", change_alarm),
    (r"^edge REST: save (\w+_SCOPE) attributes of ([\w-]+) (\{.*\})", save_attributes),
    (r"^edge REST: save time series", nothing_to_do),
    (r"^edge REST", no_means),
]


def typed(kv):
    kind = kv.get("type", "BOOLEAN_V")
    if kind == "LONG_V":
        return int(kv.get("long_v", 0))
    if kind == "DOUBLE_V":
        return kv.get("double_v", 0.0)
    if kind == "STRING_V":
        return kv.get("string_v", "")
    if kind == "JSON_V":
        return json.loads(kv.get("json_v", "null"))
    return bool(kv.get("bool_v", False))


def drive_item(r, item):
    """No mark says how: makes the edge send this item, if a device of it can."""
    field, v = item
    if field != "entityData" or v.get("entityType") != "DEVICE" or not r.edge:
        return False
    u = r.base.alias.get(v["entityId"], v["entityId"])
    if r.edge.entity(u) is None:
        return False
    if "postTelemetryMsg" in v:
        one = v["postTelemetryMsg"]["tsKvList"][0]
        text = json.dumps({k["key"]: typed(k) for k in one.get("kv", [])})
        if len(text) > 60000:
            return False
        r.base.stamps.add(str(one.get("ts")))
        r.device(u).telemetry('{"ts":%s,"values":%s}' % (one.get("ts", 0), text))
        return True
    if "postAttributesMsg" in v:
        r.device(u).publish("v1/devices/me/attributes",
                            {k["key"]: typed(k) for k in v["postAttributesMsg"].get("kv", [])})
        return True
    return False
