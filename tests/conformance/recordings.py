# SPDX-License-Identifier: Apache-2.0
"""What node_cases.py and traces.py share: building workers, running scenarios, matching recorded texts that hold
placeholders ($NOW, $UUID:x, $ANY ...)."""
import json
import os
import re
import subprocess
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("TBE_BUILD", os.path.join(ROOT, "build"))
PREFIX = "org.thingsboard.rule.engine."
UUID_RE = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NULL_UUID = "13814000-1dd2-11b2-8080-808080808080"
TOKEN_RE = re.compile(r"\$(?:UUID|NAME|TS):[A-Za-z0-9_]+|\$UUID|\$NOWISO|\$NOW(?:[+-]\d+)?|\$ANY|\$EMAIL|\$TOKEN|\$SERVICE|\$TENANT|\$JSERROR")


def supported():
    """Classes of the node library, without the package prefix."""
    with open(os.path.join(ROOT, "runtime", "include", "tbe", "nodes.def")) as f:
        return {x for x in re.findall(r'NODE\(\w+, "([\w.]+)"\)', f.read())}


def stable_id(*parts):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, parts))))


def build(out, files, check=True):
    p = subprocess.run([os.path.join(BUILD, "tbedgec"), "build", "--cc", os.environ.get("REPLAY_CC", "gcc -O0"),
                        "-o", out, *files], capture_output=True, text=True)
    if check and p.returncode != 0:
        raise SystemExit("tbedgec build failed:\n" + p.stdout + p.stderr)
    return p


def replay(worker, scenarios, timeout=600):
    """Reports in the order of the scenarios; None where the worker died before it."""
    text = "".join(json.dumps(s) + "\n" for s in scenarios)
    p = subprocess.run([worker, "--replay", "-"], input=text, capture_output=True, text=True, timeout=timeout)
    out = []
    for line in p.stdout.splitlines():
        try:
            out.append(json.loads(line))
        except ValueError:
            out.append({"error": "unreadable report: " + line[:200]})
    if p.returncode != 0 or len(out) < len(scenarios):
        tail = {"error": "worker ended with status %d: %s" % (p.returncode, p.stderr[-400:])}
        if p.returncode < 0 and len(out) < len(scenarios) and scenarios[len(out) + 1:]:
            # One scenario killed it: go on behind it, so that the others still count.
            return out + [tail] + replay(worker, scenarios[len(out) + 1:], timeout)
        out += [tail] * (len(scenarios) - len(out))
    return out


class Matcher:
    """Matches recorded values against ours. known: {"$UUID:device": text ...}. Other $UUID:n are bound at their first
    match and must stay the same after that."""

    def __init__(self, known, now):
        self.known, self.now, self.bound = known, now, {}

    def pattern(self, text):
        out, at, groups = "", 0, {}
        for m in TOKEN_RE.finditer(text):
            out += re.escape(text[at:m.start()])
            at = m.end()
            t = m.group(0)
            if t in self.known:
                out += re.escape(self.known[t])
            elif t in self.bound:
                out += re.escape(self.bound[t])
            elif t.startswith("$UUID:"):
                if t in groups:
                    out += "(?P=%s)" % groups[t]
                else:
                    groups[t] = "g%d" % len(groups)
                    out += "(?P<%s>%s)" % (groups[t], UUID_RE)
            elif t == "$UUID":
                out += UUID_RE
            elif t.startswith("$NOW") and t != "$NOWISO" or t.startswith("$TS:"):
                out += r"\d{12,13}"
            else:
                out += r"(?s:.*)"
        return re.compile(out + re.escape(text[at:]), re.S), groups

    def text(self, exp, got):
        if exp == got:
            return True
        if not isinstance(exp, str) or not isinstance(got, str) or "$" not in exp:
            return False
        rx, groups = self.pattern(exp)
        m = rx.fullmatch(got)
        if m is None:
            return False
        for t, g in groups.items():
            self.bound.setdefault(t, m.group(g))
        return True

    def value(self, exp, got):
        """Deep; numbers by spelling class (int or float), strings with placeholders, dicts without order."""
        if isinstance(exp, str):
            if exp == "$ANY":
                return True
            if exp.startswith("$NOW") or exp.startswith("$TS:"):
                return isinstance(got, (int, float)) and got > 10 ** 11 or self.text(exp, got)
            return self.text(exp, got)
        if type(exp) is not type(got):
            return False
        if isinstance(exp, dict):
            return exp.keys() == got.keys() and all(self.value(exp[k], got[k]) for k in exp)
        if isinstance(exp, list):
            return len(exp) == len(got) and all(map(self.value, exp, got))
        return exp == got

    def data(self, exp, got, any_order=False):
        """Message data: exact, but stored JSON inside it may come in another order. any_order: the server put several
        keys into it in the order of a hash map."""
        if self.text(exp, got):
            return True
        a, b = parse(exp), parse(got)
        return a is not None and b is not None and (any_order or "details" in exp or "additionalInfo" in exp) and self.value(a, b)

    def metadata(self, exp, got):
        return exp.keys() == got.keys() and all(self.text(exp[k], got[k]) or self.details(exp[k], got[k]) for k in exp)

    def details(self, exp, got):
        a, b = parse(exp), parse(got)
        return isinstance(a, dict) and isinstance(b, dict) and self.value(a, b)


def parse(text):
    """JSON of a recorded text: bare placeholders become strings."""
    try:
        return json.loads(re.sub(r'(?<!["\w:])(?<=[:\[,])(\$(?:NOW(?:[+-]\d+)?|TS:\d+))(?=[,}\]])', r'"\1"', text))
    except (ValueError, TypeError):
        return None


def show(x, n=700):
    t = x if isinstance(x, str) else json.dumps(x, ensure_ascii=False)
    return t if len(t) <= n else t[:n] + "..."
