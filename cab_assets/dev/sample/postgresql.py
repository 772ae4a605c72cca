"""The source table in PostgreSQL."""

import io

import pyarrow as pa
import pyarrow.csv

from cab_assets.dev.sample.source import TEXT_WIDTH, FilledTable

# Temporary table for COPY, which cannot skip existing rows
ARRIVING = "pg_temp.arriving"
# Texts are quoted and NULLs are not, which is how COPY tells them apart
CSV = pyarrow.csv.WriteOptions(include_header=False)


class PostgreSQLTable(FilledTable):
    begin = "BEGIN; SET LOCAL timezone = 'UTC'"
    types = {  # noqa: RUF012
        "string": f"varchar({TEXT_WIDTH})",
        "bigint": "bigint",
        "int": "int",
        "double": "double precision",
        "timestamp": "timestamp",
        "decimal(12,2)": "numeric(12,2)",
    }

    def create(self) -> None:
        index = f"{self.name.rpartition('.')[2]}_pickup_timestamp"
        self.cursor.execute(f"CREATE TABLE IF NOT EXISTS {self.name} ({self._ddl})")
        self.cursor.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {self.name} (pickup_timestamp)")

    def insert_missing(self, rows: pa.RecordBatch) -> int:
        self.cursor.execute(f"CREATE TABLE {ARRIVING} (LIKE {self.name})")
        with self.cursor.copy(
            f"COPY {ARRIVING} ({self._columns}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')"
        ) as copy:
            copy.write(_csv(rows))
        self.cursor.execute(
            f"INSERT INTO {self.name} ({self._columns}) SELECT {self._columns} FROM {ARRIVING} ON"
            " CONFLICT DO NOTHING"
        )
        inserted = int(self.cursor.rowcount)
        self.cursor.execute(f"DROP TABLE {ARRIVING}")
        return inserted


def _csv(rows: pa.RecordBatch) -> memoryview:
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(rows, buffer, CSV)
    return buffer.getbuffer()
