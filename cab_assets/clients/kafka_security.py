"""Login and trusted certificates of Kafka's clients, as settings of kafka-python and Spark."""

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
    """How to connect to Kafka. `protocol` and `mechanism` have Kafka's own values.

    `ca` is a PEM file. Without it, the authorities of the machine are trusted.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None

    def for_python(self) -> dict[str, Any]:
        """Return the arguments for a client of kafka-python."""
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
        """Return the options of Spark's Kafka source.

        They contain the certificates themselves, because the PEM file is not on Spark's machines.
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
    """Return the text escaped for a quoted value of JAAS."""
    return (text or "").replace("\\", "\\\\").replace('"', '\\"')
