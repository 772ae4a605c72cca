"""The days of the business zone."""

import dagster as dg

from cab_assets.defs.resources import CALENDAR

daily = dg.DailyPartitionsDefinition(
    start_date=CALENDAR.start_date.isoformat(), timezone=CALENDAR.timezone.key
)

# Clicks are shown while their day is not over. A phone may be a day ahead of the time that Kafka
# holds, and that an hour ahead of ours.
daily_ahead = dg.DailyPartitionsDefinition(
    start_date=CALENDAR.start_date.isoformat(), timezone=CALENDAR.timezone.key, end_offset=3
)
