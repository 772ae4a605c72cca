"""A real broker that wants TLS and a password (SCRAM-SHA-512)."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from cab_assets.clients.kafka_client import Admin
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.dev.stack import jars, machine
from cab_assets.dev.stack.kafka import SETTINGS, new_cluster_id
from cab_assets_tests.processes import free_ports, run, serving

USER, PASSWORD = "cab", 'p"as\\s w:ör;d='  # what has a meaning to JAAS, a shell or a URL
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True)
class SecureBroker:
    servers: str
    ca: Path

    def security(self, user: str = USER, password: str = PASSWORD) -> KafkaSecurity:
        return KafkaSecurity("SASL_SSL", "SCRAM-SHA-512", user, password, self.ca)


@contextmanager
def secure_broker(folder: Path, **more: str) -> Iterator[SecureBroker]:
    """Run one until the block ends; `more` is its own settings, `a_b="1"` for `a.b`."""
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    broker, controller = free_ports(2)
    servers = f"127.0.0.1:{broker}"
    settings = SETTINGS | {
        "listeners": f"SASL_SSL://{servers},CONTROLLER://127.0.0.1:{controller}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": LOGIN.replace(
            ";", ' username="broker" password="broker";'
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore(folder, authority)),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca),
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "log.dirs": str(folder / "data"),
        **{name.replace("_", "."): value for name, value in more.items()},
    }
    properties = folder / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    java = [machine.java(), "-Xmx256m", "-cp", jars.broker()]
    first_user = ["--add-scram", "SCRAM-SHA-512=[name=broker,password=broker]"]
    run(
        [
            *java,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            new_cluster_id(),
            "-c",
            str(properties),
            *first_user,
        ]
    )
    with serving([*java, "kafka.Kafka", str(properties)], broker, folder / "log"):
        found = SecureBroker(servers, ca)
        with closing(Admin(servers, found.security("broker", "broker"))) as admin:
            admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, PASSWORD)]
            )
        yield found


def keystore(folder: Path, authority: trustme.CA) -> Path:
    """The broker's key and certificate in one PEM file, the key in the only form that
    Kafka reads.
    """
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "keystore.pem"
    path.write_bytes(pkcs8 + b"".join(each.bytes() for each in issued.cert_chain_pems))
    return path
