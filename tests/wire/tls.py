# SPDX-License-Identifier: Apache-2.0
"""Covers: MQTT over TLS with PEM files, client certificates wanted and checked inside the chain, reload on SIGHUP."""
import base64
import signal
import ssl
import subprocess
import tempfile

from wire import *

DIR = tempfile.mkdtemp(prefix="tbe-tls-")


def path(name):
    return os.path.join(DIR, name)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=DIR)


def make(name, subject, ca=None, password=None):
    key = ["-keyout", name + ".key"] + (["-passout", "pass:" + password] if password else ["-nodes"])
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=" + subject, *key]
    if ca is None:
        openssl(*new, "-x509", "-days", "30", "-out", name + ".pem")
        return
    openssl(*new, "-out", name + ".csr")
    openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial", "-days", "30",
            "-out", name + ".pem")


def join(out, *names):
    with open(path(out), "w") as f:
        for n in names:
            f.write(open(path(n + ".pem")).read())


def der64(name):
    text = open(path(name + ".pem")).read()
    return "".join(text.split("-----")[2].split())


def edge(**env):
    return Edge(MQTT_SSL_ENABLED="true", MQTT_SSL_BIND_ADDRESS="127.0.0.1", MQTT_SSL_BIND_PORT="0",
                MQTT_SSL_PEM_CERT=path("server.pem"), MQTT_SSL_PEM_KEY=path("server.key"), **env)


def tls_client(e, cert=None, key=None, ca="server", version=None, expect=True):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.load_verify_locations(path(ca + ".pem"))
    if version:
        ctx.maximum_version = version
    if cert:
        ctx.load_cert_chain(path(cert + ".pem"), path(key + ".key"))
    c = Client(0, ctx.wrap_socket(socket.create_connection(("127.0.0.1", e.ports["mqtts"]), timeout=10)))
    c.send(connect(client_id="tls"))
    return c.expect(bytes.fromhex("20020000")) if expect else c


def certs(e):
    return [r[7] for r in e.applied() if r[1] == 16]


def test_plain_tls_and_big_payload():
    with edge() as e:
        e.start(e.worker())
        for v in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            c = tls_client(e, version=v)
            for i in range(1, 30):
                c.send(publish("a", b"x" * 60000, pid=i))
            for i in range(1, 30):
                c.expect(puback(i))
            c.send(publish("echo/big", b"y" * 60000, qos=0)).expect(publish("echo/big", b"y" * 60000, pid=1))
            c.send(b"\xe0\x00").closed()
        assert certs(e) == ["", ""]


def test_client_certificate_chain_reaches_the_worker():
    with edge() as e:
        e.start(e.worker())
        tls_client(e, "self", "self")
        tls_client(e, "chain", "leaf")
        tls_client(e, "chain", "leaf", version=ssl.TLSVersion.TLSv1_2)
        chain = "_".join((der64("leaf"), der64("ca")))
        assert certs(e) == [der64("self"), chain, chain], certs(e)


def test_broken_chain_is_refused():
    with edge() as e:
        e.start(e.worker())
        for v in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            try:
                got = tls_client(e, "broken", "leaf", version=v, expect=False).read()
                assert got is None, got
            except (ssl.SSLError, OSError):
                pass
        assert certs(e) == []


def test_reload_on_hup_keeps_connections():
    with edge() as e:
        e.start(e.worker())
        c = tls_client(e)
        for n in ("pem", "key"):
            shutil.copy(path("server." + n), path("old." + n))
            shutil.copy(path("server2." + n), path("server." + n))
        try:
            e.proc.send_signal(signal.SIGHUP)
            e.wait_log("certificate read again")
            tls_client(e, ca="server2")
            c.send(PING).expect(PINGRESP)
            with open(path("server.pem"), "w") as f:
                f.write("nonsense")
            e.proc.send_signal(signal.SIGHUP)
            e.wait_log("the old certificate stays in use")
            tls_client(e, ca="server2")
        finally:
            for n in ("pem", "key"):
                shutil.copy(path("old." + n), path("server." + n))


def test_key_with_password():
    with edge(MQTT_SSL_PEM_KEY_PASSWORD="s3cret") as e:
        e.env["MQTT_SSL_PEM_CERT"], e.env["MQTT_SSL_PEM_KEY"] = path("locked.pem"), path("locked.key")
        e.start(e.worker())
        tls_client(e, ca="locked")


def test_wrong_files_are_a_clear_error():
    with edge(MQTT_SSL_PEM_KEY_PASSWORD="wrong") as e:
        e.env["MQTT_SSL_PEM_CERT"], e.env["MQTT_SSL_PEM_KEY"] = path("locked.pem"), path("locked.key")
        rc, out, err = e.cmd("run", e.worker())
        assert rc == 1 and "locked.key" in err and "wrong" not in err, err
        e.env["MQTT_SSL_PEM_CERT"] = path("none.pem")
        rc, out, err = e.cmd("run", e.worker())
        assert rc == 1 and "none.pem" in err, err


def test_swap_keeps_tls_connections_and_their_chain():
    with edge() as e:
        e.start(e.worker())
        c = tls_client(e, "chain", "leaf")
        rc, out, err = e.cmd("deploy", e.worker())
        assert rc == 0, err
        c.send(publish("a", "x")).expect(puback(1))


if not shutil.which("openssl"):
    print("skipped: openssl is not installed")
    sys.exit(77)
try:
    make("server", "localhost")
    make("server2", "localhost")
    make("locked", "localhost", password="s3cret")
    make("self", "device")
    make("ca", "ca")
    make("leaf", "device", "ca")
    make("other", "other")
    join("chain.pem", "leaf", "ca")
    join("broken.pem", "leaf", "other")
    main(globals())
finally:
    shutil.rmtree(DIR, ignore_errors=True)
