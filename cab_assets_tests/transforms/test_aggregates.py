from decimal import Decimal

from pyspark.testing import assertDataFrameEqual

from cab_assets.clients.spark import Spark
from cab_assets.daily.derive_days import derive
from cab_assets.environment import Environment
from cab_assets.tables.bookings import BOOKING_AGGREGATES

BOOKINGS = """
    booking_date | currency_code | trip_fare | tip_amount
    2020-01-01   | INR           | 10.00     | 1.00
    2020-01-01   | INR           | 0.01      | 2.50
    2020-01-01   | INR           |           |
    2020-01-01   | EUR           |           | 0.00
    2020-01-01   |               | -3.00     |
    2020-01-02   | INR           | 1.00      | 9.99
    2020-01-02   | INR           | 1.00      | 0.01
    2020-01-02   | INR           | 0.00      | 0.00
"""
EXPECTED = """
    booking_date | currency_code | total_bookings | total_booking_amount | top_tip_amount | total_tip_amount | average_booking_amount
    2020-01-01   | INR           | 3              | 10.01                | 2.50           | 3.50             | 5.005000
    2020-01-01   | EUR           | 1              |                      | 0.00           | 0.00             |
    2020-01-01   |               | 1              | -3.00                |                |                  | -3.000000
    2020-01-02   | INR           | 3              | 2.00                 | 9.99           | 10.00            | 0.666667
"""  # noqa: E501


def rows(text: str) -> list[tuple[object, ...]]:
    """What is drawn above, nothing as NULL."""
    lines = [
        [cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()[1:]
    ]
    return [
        (
            day,
            currency,
            *(
                None if cell is None else int(cell) if cell.isdigit() else Decimal(cell)
                for cell in rest
            ),
        )
        for day, currency, *rest in lines
    ]


def test_each_day_and_currency_is_one_row_and_amounts_leave_out_what_is_unknown(
    stack: Environment,
) -> None:
    with Spark(stack.spark_remote, None).session() as session:
        bookings = session.createDataFrame(
            rows(BOOKINGS),
            "booking_date string, currency_code string, trip_fare decimal(12,2), tip_amount"
            " decimal(12,2)",
        )
        expected = session.createDataFrame(
            rows(EXPECTED), f"booking_date string, {BOOKING_AGGREGATES.ddl}"
        )
        assertDataFrameEqual(derive(session, BOOKING_AGGREGATES, bookings), expected)
