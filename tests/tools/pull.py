# SPDX-License-Identifier: Apache-2.0
"""tbedgec pull against a server that answers like ThingsBoard's REST API: login, tokens and keys, pages, names,
TLS, time-outs, busy and broken servers, files that are safe, whole and left alone when nothing changed."""
import gzip
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

import common
from common import check

USER, PASSWORD, JWT, KEY = "tenant@thingsboard.org", 'p"a\\ss é', "eyJhbGciOi.x.y", "tb_key123"


def uid(i):
    return f"00000000-0000-4000-8000-{i:012x}"


def chain(i, name, kind="CORE", **more):
    head = {"id": {"entityType": "RULE_CHAIN", "id": uid(i)}, "createdTime": 1700000000000 + i, "tenantId": {"id": uid(9999)},
            "name": name, "type": kind, "firstRuleNodeId": {"id": uid(5)}, "root": i == 0, "debugMode": False, "version": 3, **more}
    meta = {"ruleChainId": head["id"], "version": 3, "firstNodeIndex": 0,
            "nodes": [{"id": {"id": uid(5)}, "ruleChainId": head["id"], "createdTime": 5, "type": "org.thingsboard.rule.engine.action.TbLogNode",
                       "name": "log", "debugSettings": {"failuresEnabled": True, "allEnabled": False, "allEnabledUntil": 77},
                       "configuration": {"scriptLang": "JS", "jsScript": "return 'é';\n", "n": 1.0}}],
            "connections": [], "ruleChainConnections": None}
    return head, meta


CHAINS = [chain(0, "Root Rule Chain")] + [chain(i, f"Chain {i}") for i in range(1, 230)]
ODD = ["../../etc/passwd", ".hidden", "a/b\\c:d*e?", "con", "", "   ", "é" * 100, "Same", "same", "CHAIN 5", "x\x1b[31m\nred", "-rf", "日本"]
CHAINS += [chain(300 + i, n) for i, n in enumerate(ODD)] + [chain(400, "Edge A", "EDGE")]
state = {"log": [], "fail": [], "mode": None}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if "gzip" in self.headers.get("Accept-Encoding", "") and state["mode"] == "gzip":
            raw = gzip.compress(raw)
            headers["Content-Encoding"] = "gzip"
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def before(self):
        """True when the test wants something else than an answer."""
        state["log"].append((self.command, self.path, self.headers.get("X-Authorization")))
        if state["fail"]:
            what = state["fail"].pop(0)
            if what == "drop":
                self.close_connection = True
                self.connection.close()
                return True
            if what == "hang":
                time.sleep(3)
                self.close_connection = True
                return True
            status, headers = what if isinstance(what, tuple) else (what, {})
            self.answer(status, {"status": status, "message": "busy \x1b[31m", "errorCode": 2}, **headers)
            return True
        return False

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.before():
            return
        if self.path != "/api/auth/login":
            self.answer(404, {"message": "?"})
        elif state["mode"] == "2fa":
            self.answer(200, {"token": JWT, "scope": "PRE_VERIFICATION_TOKEN"})
        elif json.loads(body) == {"username": USER, "password": PASSWORD}:
            self.answer(200, {"token": JWT, "refreshToken": "r"})
        else:
            self.answer(401, {"status": 401, "message": "Invalid username or password", "errorCode": 10})

    def do_GET(self):
        if self.before():
            return
        url = urllib.parse.urlparse(self.path)
        q = dict(urllib.parse.parse_qsl(url.query))
        if self.headers.get("X-Authorization") not in ("Bearer " + JWT, "ApiKey " + KEY):
            self.answer(401, {"status": 401, "message": "Authentication failed", "errorCode": 10})
        elif state["mode"] in ("html", "huge", "list", "bad-id", "latin1", "deep"):
            self.answer(200, {"html": b"<html>", "huge": b'"' + b"x" * (33 << 20) + b'"', "list": b"[]", "latin1": b'{"data": "\xe9"}',
                              "deep": b"[" * 5000, "bad-id": b'{"data":[{"id":{"id":"../x"},"name":"n"}],"hasNext":false}'}[state["mode"]])
        elif url.path == "/api/ruleChains":
            some = [h for h, _ in CHAINS if h["type"] == q["type"]]
            size, page = int(q["pageSize"]), int(q["page"])
            if state["mode"] == "endless":
                some = some[:1] * size * (page + 2)
            data = some[page * size:(page + 1) * size]
            self.answer(200, {"data": data, "totalPages": -(-len(some) // size), "totalElements": len(some), "hasNext": len(some) > (page + 1) * size})
        else:
            found = [c for c in CHAINS if url.path.startswith("/api/ruleChain/" + c[0]["id"]["id"])]
            if not found:
                self.answer(404, {"message": "Requested item wasn't found!"})
            else:
                self.answer(200, found[0][1 if url.path.endswith("/metadata") else 0])


def serve(context=None):
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    s.daemon_threads = True
    s.handle_error = lambda *_: None
    if context:
        s.socket = context.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_address[1]


def pull(*args, url=None, env=None, mode=None, fail=(), stdin=b""):
    """(status, stdout, stderr, requests)"""
    state.update(log=[], fail=list(fail), mode=mode)
    full = {"TBEDGEC_TOKEN": KEY, "http_proxy": "", "https_proxy": "", "NO_PROXY": "*", **(env or {})}
    for k in ("TBEDGEC_USER", "TBEDGEC_PASSWORD", "TBEDGEC_URL"):
        full.setdefault(k, "")
    s, out, err = common.run("pull", "--url", url or base, *args, env=full, stdin=stdin)
    check(f"no secret is shown: {args}", not any(x.encode() in out + err for x in (PASSWORD, JWT, KEY, "s3cret")), err.decode())
    return s, out.decode(), err.decode(), state["log"]


base = f"http://127.0.0.1:{serve()}"
with tempfile.TemporaryDirectory() as d:
    def path(*p):
        return os.path.join(d, *p)

    # ---- all chains ----
    s, out, err, log = pull("-o", path("all"))
    files = sorted(os.listdir(path("all")))
    check("all chains", s == 0 and len(files) == len(CHAINS) and len(out.splitlines()) == len(CHAINS), err)
    check("by pages", [p for _, p, _ in log if "type=CORE" in p][2:] and all("pageSize=100" in p for _, p, _ in log if "ruleChains?" in p))
    check("names are safe", all(f[0] not in ".-" or f == "-rf.json" for f in files) and not any(c in f for f in files for c in '/\\:*?"<>|\x1b\n'), str(files[-20:]))
    check("nothing outside", os.listdir(d) == ["all"])
    check("names differ when case is ignored", len({f.lower() for f in files}) == len(files))
    check("long names are cut between characters", all(len(f.encode()) <= 100 + 37 + 5 for f in files))
    check("a usual name", "Root_Rule_Chain.json" in files and f"Same-{uid(307)}.json" in files and f"same-{uid(308)}.json" in files, str(files[-30:]))
    with open(path("all", "Root_Rule_Chain.json"), encoding="utf-8") as f:
        text = f.read()
    got = json.loads(text)
    check("the shape of an export", list(got) == ["ruleChain", "metadata"] and got["ruleChain"]["id"]["id"] == uid(0) and got["ruleChain"]["root"] is True)
    check("what changes by itself is left out", not any(k in text for k in ("createdTime", "tenantId", "allEnabledUntil", '"version"')), text)
    check("numbers as they are", '"n": 1.0' in text)
    check("it is formatted", common.run("fmt", "--check", path("all", "Root_Rule_Chain.json"))[0] == 0)
    check("it can be checked", common.run("check", path("all", "Root_Rule_Chain.json"))[0] == 0)
    before = {f: os.stat(path("all", f)).st_mtime_ns for f in files}
    s, out, err, log = pull("-o", path("all"))
    check("unchanged files are left alone", s == 0 and out.count("(unchanged)") == len(files) and
          before == {f: os.stat(path("all", f)).st_mtime_ns for f in files}, err)
    s, out, err, log = pull("-o", path("raw"), "--raw", "--chain", "Root Rule Chain")
    check("--raw keeps all", s == 0 and json.load(open(path("raw", "Root_Rule_Chain.json"), encoding="utf-8"))["ruleChain"]["createdTime"] == 1700000000000)

    # ---- some chains ----
    s, out, err, log = pull("--chain", "Chain 7", "--chain", uid(8), "-o", path("some"), "--format", "yaml")
    check("by name and id", s == 0 and sorted(os.listdir(path("some"))) == ["Chain_7.yaml", "Chain_8.yaml"], out + err)
    check("YAML", "jsScript: |\n" in open(path("some", "Chain_7.yaml"), encoding="utf-8").read())
    s, out, err, log = pull("--chain", "Chain 7", "--chain", "No such", "-o", path("some"))
    check("a name that is not there", s == 1 and '"No such"' in err, err)
    s, out, err, log = pull("--type", "edge", "-o", path("edge"))
    check("--type", s == 0 and os.listdir(path("edge")) == ["Edge_A.json"] and not any("CORE" in p for _, p, _ in log), err)
    s, out, err, log = pull("--list")
    check("--list", s == 0 and f"CORE {uid(0)} Root Rule Chain\n" in out and "\x1b" not in out and len(out.splitlines()) == len(CHAINS), err)

    # ---- who asks ----
    few = ("--chain", "Edge A", "-o", path("edge"))
    s, out, err, log = pull(*few, "--user", USER, env={"TBEDGEC_PASSWORD": PASSWORD, "TBEDGEC_TOKEN": ""})
    check("user and password", s == 0 and log[0][:2] == ("POST", "/api/auth/login") and log[1][2] == "Bearer " + JWT, err)
    check("an API key", pull(*few)[3][0][2] == "ApiKey " + KEY)
    check("a JWT", pull(*few, env={"TBEDGEC_TOKEN": JWT})[3][0][2] == "Bearer " + JWT)
    check("--token", pull(*few, "--token", JWT, env={"TBEDGEC_TOKEN": ""})[0] == 0)
    for name, text in (("pw", PASSWORD + "\n"), ("tok", KEY + "\r\nmore\n"), ("none", "\n")):
        with open(path(name), "w", encoding="utf-8", newline="") as f:
            f.write(text)
    check("--password-file", pull(*few, "--user", USER, "--password-file", path("pw"))[0] == 0)
    check("--token-file", pull(*few, "--token-file", path("tok"), env={"TBEDGEC_TOKEN": ""})[0] == 0)
    check("--token-file -", pull(*few, "--token-file", "-", env={"TBEDGEC_TOKEN": ""}, stdin=KEY.encode())[0] == 0)
    check("an empty secret", pull(*few, "--token-file", path("none"))[0] == 2)
    check("no secret file", pull(*few, "--token-file", path("nowhere"))[0] == 2)
    check("a token with a line break", pull(*few, env={"TBEDGEC_TOKEN": "s3cret\r\nX-Evil: 1"})[0] == 2)
    check("nobody", pull(*few, env={"TBEDGEC_TOKEN": ""})[0] == 2)
    check("no password", pull(*few, "--user", USER)[0] == 2)
    s, out, err, log = pull(*few, "--user", USER, env={"TBEDGEC_PASSWORD": "s3cret"})
    check("a wrong password", s == 1 and "HTTP 401: Invalid username or password" in err and len(log) == 1, err)
    s, out, err, log = pull(*few, env={"TBEDGEC_TOKEN": "s3cret"})
    check("a wrong token", s == 1 and "HTTP 401: Authentication failed" in err, err)
    s, out, err, log = pull(*few, "--user", USER, env={"TBEDGEC_PASSWORD": PASSWORD}, mode="2fa")
    check("a second factor", s == 1 and "second factor" in err, err)
    s, out, err = common.run("pull", *few, env={"TBEDGEC_URL": base, "TBEDGEC_TOKEN": KEY, "NO_PROXY": "*"})
    check("URL from the environment", s == 0, err.decode())

    # ---- servers in trouble ----
    s, out, err, log = pull(*few, fail=[503, 500])
    check("5xx is tried again", s == 0 and len(log) == 8 and log[0] == log[1] == log[2], err + str(log))
    t = time.monotonic()
    s, out, err, log = pull(*few, fail=[(429, {"Retry_After": "1"})])
    check("429 with Retry-After", s == 0 and time.monotonic() - t >= 1, err)
    check("a lost connection", pull(*few, fail=["drop"])[0] == 0)
    s, out, err, log = pull(*few, "--timeout", "1", fail=["hang"])
    check("a time-out is tried again", s == 0, err)
    s, out, err, log = pull(*few, "--timeout", "1", "--retries", "0", fail=["hang"])
    check("and given up", s == 2 and "timed out" in err.lower(), err)
    s, out, err, log = pull(*few, "--retries", "1", fail=[503, 503, 503])
    check("--retries is the limit", s == 1 and len(log) == 2 and "HTTP 503" in err and "\x1b" not in err, err + str(log))
    s, out, err, log = pull(*few, fail=[400])
    check("400 is not tried again", s == 1 and len(log) == 1, err)
    s, out, err, log = pull(*few, fail=[(302, {"Location": "https://elsewhere.example/"})])
    check("no redirect is followed", s == 1 and "redirected to https://elsewhere.example/" in err and len(log) == 1, err)
    for mode, text in (("html", "no JSON"), ("huge", "more than"), ("list", "no page"), ("bad-id", "no id"), ("latin1", "no JSON"),
                       ("deep", "no JSON"), ("endless", "more than 1000")):
        s, out, err, log = pull(*few, mode=mode)
        check(f"an answer that is {mode}", s == 2 and text in err, err)
    check("compressed answers", pull(*few, mode="gzip")[0] == 0)
    s, out, err, log = pull(*few, "--retries", "0", url="http://127.0.0.1:1")
    check("nobody there", s == 2 and "127.0.0.1" in err, err)
    s, out, err, log = pull("-o", path("half"), "--chain", "Chain 1", "--chain", "Chain 2", fail=[], mode=None)
    check("two chains", s == 0 and len(os.listdir(path("half"))) == 2)

    # ---- command line and files ----
    for bad in ("ftp://x", "x", "http://", "https://user:s3cret@x", "http://x y", "file:///etc/passwd", "http://x?y"):
        check(f"URL {bad}", pull(*few, url=bad)[0] == 2)
    for args in (("--timeout", "0"), ("--timeout", "3601"), ("--timeout", "1x"), ("--retries", "21"), ("--retries", "-1"), ("--type", "x"), ("operand",)):
        check(f"{args}", pull(*few, *args)[0] == 2)
    check("the limits themselves", pull(*few, "--timeout", "3600", "--retries", "20")[0] == 0)
    check("a directory that cannot be made", pull("--chain", "Edge A", "-o", path("no", "x"))[0] == 2)
    check("nothing is left", not [f for _, _, fs in os.walk(d) for f in fs if f.endswith((".tmp", ".new")) or ".json." in f])

    # ---- TLS ----
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path("k.pem"), "-out", path("c.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("c.pem"), path("k.pem"))
    secure = f"https://127.0.0.1:{serve(context)}"
    s, out, err, log = pull(*few, "--cacert", path("c.pem"), url=secure)
    check("https", s == 0, err)
    s, out, err, log = pull(*few, "--retries", "3", url=secure)
    check("an unknown authority is refused at once", s == 2 and "certificate" in err.lower() and not log, err)
    check("--insecure", pull(*few, "--insecure", url=secure)[0] == 0)
    s, out, err, log = pull(*few, "--cacert", path("c.pem"), url=secure.replace("127.0.0.1", "localhost"))
    check("a name the certificate has not", s == 2 and not log, err)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("c.pem"), path("k.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(path("c.pem"))
    secure = f"https://127.0.0.1:{serve(context)}"
    check("a client certificate is asked for", pull(*few, "--cacert", path("c.pem"), "--retries", "0", url=secure)[0] == 2)
    check("and given", pull(*few, "--cacert", path("c.pem"), "--cert", path("c.pem"), "--key", path("k.pem"), url=secure)[0] == 0)
common.end()
