"""The days of the business time zone."""

import dagster as dg

from cab_assets.defs.resources import CALENDAR

daily = dg.DailyPartitionsDefinition(
    start_date=CALENDAR.start_date.isoformat(), timezone=CALENDAR.timezone.key
)

# Clicks are published before their day is over. Event time may be up to one day ahead of the Kafka
# timestamp, and the Kafka timestamp up to one hour ahead of this clock. With today, which is not
# over either, these are three days after the last complete one.
daily_ahead = dg.DailyPartitionsDefinition(
    start_date=CALENDAR.start_date.isoformat(), timezone=CALENDAR.timezone.key, end_offset=3
)
