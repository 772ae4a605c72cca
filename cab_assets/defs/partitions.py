"""The days of the business zone."""

import dagster as dg

from cab_assets.defs.resources import CALENDAR

daily = dg.DailyPartitionsDefinition(start_date=CALENDAR.start_date.isoformat(), timezone=CALENDAR.timezone.key)
