# SPDX-License-Identifier: Apache-2.0
"""Comparing uplinks with recorded ones: an UplinkMsg as the set of what it contains, ids and times of the run aside."""
import json
import re
import time
import uuid

CLOCKS = {"ts", "attributeTs", "createdTime", "expirationTime", "startTs", "endTs", "ackTs", "clearTs", "assignTs",
          "lastLoginTs", "activateTokenExpTime"}
OPAQUE = {"serviceId", "sessionId"}  # the edge's own, given back by the cloud as they are
STATISTICS = re.compile(r"^(uplinkMsgs|downlinkMsgs)")
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
TOKEN = re.compile(r"^[A-Za-z0-9]{20}$")


def whole(msb, lsb):
    m = (1 << 64) - 1
    return str(uuid.UUID(int=(int(msb or 0) & m) << 64 | (int(lsb or 0) & m)))


def fold_ids(x):
    """Pairs of ...MSB and ...LSB become one UUID text; entity texts become JSON values."""
    if isinstance(x, list):
        return [fold_ids(v) for v in x]
    if not isinstance(x, dict):
        return x
    out = {}
    for k, v in x.items():
        if k.endswith("LSB"):
            continue
        if k.endswith("MSB"):
            out[k[:-3]] = whole(v, x.get(k[:-3] + "LSB"))
        elif k == "entity" and isinstance(v, str):
            try:
                out[k] = json.loads(v)
            except ValueError:
                out[k] = v
        else:
            out[k] = fold_ids(v)
    return out


def flatten(up):
    """[(field, value)]: each item of an UplinkMsg alone, telemetry by ts; the edge's own statistics left out."""
    out = []
    for field, items in up.items():
        if field == "uplinkMsgId" or not isinstance(items, list):
            continue
        for item in items:
            v = fold_ids(item)
            lists = v.get("postTelemetryMsg", {}).get("tsKvList") if isinstance(v, dict) else None
            if lists is None:
                out.append((field, v))
                continue
            for one in lists:
                if v.get("entityType") == "EDGE" and all(STATISTICS.match(k["key"]) for k in one.get("kv", [])):
                    continue
                out.append((field, dict(v, postTelemetryMsg={"tsKvList": [one]})))
    return out


def title(item):
    field, v = item
    return ("%s %s" % (field, v.get("entityType", ""))).strip() if isinstance(v, dict) else field


def numbers_in(text):
    return set(re.findall(r"\d{10,}", text))


class Matcher:
    def __init__(self, base):
        self.base = base
        self.ids = {}        # id of the recording -> id of the run
        self.tokens = {}
        self.replace = {}    # values we changed in what the cloud sent
        self.step_text = ""

    def same(self, expected, got, step):
        """Whether a sent item is the recorded one; then the ids they were born with are one from now on."""
        if expected[0] != got[0]:
            return False
        trial = dict(self.ids)
        self.exact = numbers_in(step) | self.base.stamps
        if self.value(expected[1], got[1], None, trial):
            self.ids = trial
            return True
        return False

    def value(self, e, g, key, ids):
        if isinstance(e, dict):
            return isinstance(g, dict) and all(self.value(e.get(k), g.get(k), k, ids) for k in e.keys() | g.keys())
        if isinstance(e, list):
            return isinstance(g, list) and len(e) == len(g) and self.items(e, g, key, ids)
        if key in CLOCKS:
            return self.clock(e, g)
        if key in OPAQUE:
            return bool(e) == bool(g)
        if isinstance(e, str) and UUID.match(e):
            return isinstance(g, str) and self.id(e, g, ids)
        if isinstance(e, bool) or isinstance(g, bool) or e is None or g is None:
            return e == g
        if isinstance(e, str) and isinstance(g, str):
            return self.text(e, g, key, ids)
        return e == g and isinstance(e, (int, float)) == isinstance(g, (int, float))

    def items(self, e, g, key, ids):
        if key != "kv":
            return all(self.value(a, b, key, ids) for a, b in zip(e, g))
        rest = list(g)
        for a in e:
            for b in rest:
                if self.value(a, b, None, ids):
                    rest.remove(b)
                    break
            else:
                return False
        return True

    def clock(self, e, g):
        if str(e) == str(g):
            return True
        if e is None or g is None:
            return False
        if str(e) in self.replace:
            return self.replace[str(e)] == str(g)
        if str(e) in self.exact:
            return False
        return abs(int(g) - time.time() * 1000) < 600000 or (int(e) == 0) == (int(g) == 0) and int(g) == 0

    def id(self, e, g, ids):
        if e in ids:
            return ids[e] == g
        if e == g:
            return True
        if e in self.base.known or g in ids.values() or not UUID.match(g):
            return False
        ids[e] = g
        return True

    def text(self, e, g, key, ids):
        if e == g:
            return True
        if e[:1] in "{[" and g[:1] in "{[" and key != "response":
            try:
                return self.value(json.loads(e), json.loads(g), None, ids)
            except ValueError:
                return False
        return bool(key == "credentialsId" and TOKEN.match(e) and g)
