"""A HiveServer2 that wants TLS and asks an LDAP directory for passwords."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from cab_assets.clients.hive import Hive
from cab_assets.dev.stack import machine
from cab_assets.dev.stack.jars import JarSet
from cab_assets.dev.stack.server import packaged
from cab_assets.dev.stack.warehouse import SERVER_CLASS
from cab_assets_tests.processes import free_ports, serving

JARS = JarSet(Path(__file__).parent / "ldap.sha256", "an LDAP directory", 6)
DIRECTORY = "com.unboundid.ldap.listener.InMemoryDirectoryServerTool"
USER, PASSWORD = "pipeline", "p a+s%20/@:?#$'"
BASE = "dc=cab"
PEOPLE = f"""dn: {BASE}
objectClass: domain
dc: cab

dn: uid={USER},{BASE}
objectClass: inetOrgPerson
uid: {USER}
cn: {USER}
sn: {USER}
userPassword: {PASSWORD}
"""


@dataclass(frozen=True)
class SecureHive:
    url: str
    ca: Path

    def hive(self, password: str | None = PASSWORD, ca: Path | None = None) -> Hive:
        return Hive(self.url, password, ca=ca or self.ca, answer_seconds=20)


@contextmanager
def secure_hive(folder: Path) -> Iterator[SecureHive]:
    """At work until the block ends."""
    JARS.fetch(print)
    port, directory = free_ports(2)
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    keystore(folder / "server.p12", authority)
    (folder / "people.ldif").write_text(PEOPLE)
    ldap = [
        machine.java(),
        "-Xmx64m",
        "-cp",
        f"{JARS.folder}/ldap/*",
        DIRECTORY,
        "--baseDN",
        BASE,
        "--ldifFile",
        str(folder / "people.ldif"),
    ]
    settings = {
        "hive.server2.thrift.bind.host": "127.0.0.1",
        "hive.server2.thrift.port": port,
        "hive.server2.use.SSL": "true",
        "hive.server2.keystore.path": folder / "server.p12",
        "hive.server2.keystore.password": "of the file",
        "hive.server2.authentication": "LDAP",
        "hive.server2.authentication.ldap.url": f"ldap://127.0.0.1:{directory}",
        "hive.server2.authentication.ldap.baseDN": BASE,
    }
    server = [
        packaged("pyspark", "pyspark/bin/spark-submit"),
        "--master=local[1]",
        "--driver-memory=512m",
        "--conf=spark.ui.enabled=false",
    ]
    server += ["--conf=spark.driver.host=127.0.0.1", f"--class={SERVER_CLASS}", "spark-internal"]
    server += [
        word for name, value in settings.items() for word in ("--hiveconf", f"{name}={value}")
    ]
    with ExitStack() as stack:
        for name, command, at in (
            ("ldap", [*ldap, "--port", str(directory)], directory),
            ("hive", server, port),
        ):
            stack.enter_context(serving(command, at, folder / f"{name}.log", cwd=folder))
        yield SecureHive(f"hive://{USER}@127.0.0.1:{port}/default", folder / "ca.pem")


def keystore(path: Path, authority: trustme.CA) -> None:
    """The server's key and certificate as Java reads them."""
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    secret = serialization.BestAvailableEncryption(b"of the file")
    store = pkcs12.serialize_key_and_certificates(b"server", key, certificate, None, secret)  # type: ignore[arg-type]
    path.write_bytes(store)
