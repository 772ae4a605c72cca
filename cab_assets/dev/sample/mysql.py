"""The source table in MySQL."""

import pyarrow as pa

from cab_assets.dev.sample.source import TEXT_WIDTH, FilledTable

# Upper bound of rows that are Python objects at once; PyMySQL splits them into statements of 1 MB
STATEMENT_ROWS = 10_000


class MySQLTable(FilledTable):
    types = {  # noqa: RUF012
        "string": f"varchar({TEXT_WIDTH})",
        "bigint": "bigint",
        "int": "int",
        "double": "double",
        "timestamp": "datetime(6)",
        "decimal(12,2)": "decimal(12,2)",
    }

    def create(self) -> None:
        self.cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name} ({self._ddl}, INDEX (pickup_timestamp))"
            " CHARACTER SET utf8mb4"
        )

    def insert_missing(self, rows: pa.RecordBatch) -> int:
        """Insert the missing rows and return their number.

        An existing row is updated to its own value, which MySQL counts as 0 rows. INSERT IGNORE
        would also ignore values that do not fit.
        """
        values = ", ".join(["%s"] * rows.num_columns)
        insert = (
            f"INSERT INTO {self.name} ({self._columns}) VALUES ({values}) ON DUPLICATE KEY UPDATE"
            " booking_id = booking_id"
        )
        slices = (
            rows.slice(start, STATEMENT_ROWS) for start in range(0, rows.num_rows, STATEMENT_ROWS)
        )
        return sum(
            self.cursor.executemany(insert, [tuple(row.values()) for row in each.to_pylist()])
            for each in slices
        )
