"""How Kafka's clients authenticate and whom they trust, for kafka-python and Spark alike."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOGIN = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


@dataclass(frozen=True)
class KafkaSecurity:
    """`protocol` and `mechanism` in Kafka's words.

    `ca` is a PEM file, without one the machine's own authorities are trusted.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None

    def for_python(self) -> dict[str, Any]:
        """Return the arguments of each client of kafka-python."""
        sasl = (
            {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
            if self._has_user
            else {}
        )
        return {"security_protocol": self.protocol, **sasl} | (
            {"ssl_cafile": str(self.ca)} if self.ca else {}
        )

    def for_spark(self) -> dict[str, str]:
        """Return the options of a Kafka source.

        They hold the certificates themselves, because no file of ours is on Spark's machines.
        """
        options = {"security.protocol": self.protocol}
        if self._has_user:
            login = (
                f'{LOGIN[self.mechanism]} required username="{escaped(self.user)}"'
                f' password="{escaped(self.password)}";'
            )
            options |= {"sasl.mechanism": self.mechanism, "sasl.jaas.config": login}
        if self.ca:
            options |= {
                "ssl.truststore.type": "PEM",
                "ssl.truststore.certificates": self.ca.read_text(),
            }
        return {f"kafka.{name}": value for name, value in options.items()}

    @property
    def _has_user(self) -> bool:
        return self.protocol.startswith("SASL")


def escaped(text: str | None) -> str:
    """Return the text escaped for JAAS, which reads it between quotes."""
    return (text or "").replace("\\", "\\\\").replace('"', '\\"')
