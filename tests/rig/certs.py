"""Certificates made at test time: one CA, and every kind of certificate a client must refuse."""
import os
import subprocess
import time


def _openssl(*args, **kw):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, **kw)


def _date(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


def make(directory):
    """Writes ca.pem, and NAME.pem and NAME.key for each kind; returns their paths by name."""
    os.makedirs(directory, exist_ok=True)
    path = lambda name: os.path.join(directory, name)
    ext = path("ext.cnf")
    sans = {"good": "DNS:localhost,IP:127.0.0.1,IP:::1", "expired": "DNS:localhost,IP:127.0.0.1",
            "wronghost": "DNS:elsewhere.example", "selfsigned": "DNS:localhost,IP:127.0.0.1"}
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "30",
             "-subj", "/CN=Dunlin test CA")
    os.makedirs(path("db"), exist_ok=True)
    open(path("db/index.txt"), "w").close()
    with open(path("db/serial"), "w") as f:
        f.write("1000\n")
    for name, san in sans.items():
        with open(ext, "w") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={path('db/index.txt')}\n"
                    f"serial={path('db/serial')}\nnew_certs_dir={path('db')}\n"
                    "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                    f"[x]\nsubjectAltName={san}\nextendedKeyUsage=serverAuth\n"
                    "basicConstraints=CA:FALSE\n[req]\ndistinguished_name=dn\n[dn]\n")
        key, csr, pem = path(name + ".key"), path(name + ".csr"), path(name + ".pem")
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-keyout", key, "-subj", "/CN=localhost", "-config", ext]
        if name == "selfsigned":
            _openssl("req", "-x509", *new, "-out", pem, "-days", "30", "-extensions", "x")
            continue
        _openssl("req", "-new", *new, "-out", csr)
        start, end = (-20, -10) if name == "expired" else (-1, 30)
        _openssl("ca", "-batch", "-notext", "-config", ext, "-extensions", "x", "-in", csr,
                 "-out", pem, "-cert", path("ca.pem"), "-keyfile", path("ca.key"),
                 "-startdate", _date(start), "-enddate", _date(end))
    return {n: (path(n + ".pem"), path(n + ".key")) for n in sans} | {"ca": path("ca.pem")}


def fingerprint(pem):
    out = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"],
                         check=True, capture_output=True, text=True).stdout
    return out.strip().split("=")[1]
