"""The reasons for which the current rules reject a record."""

from cab_assets.tables.clicks import EVENT

OF_A_VALUE = {"value_is_null", "not_utf8", "not_json", "not_an_object"}
OF_A_FIELD = {"missing", "twice", "unusable"}
TIME_UNUSABLE = "kafka_timestamp_unusable"
OF_A_TIME = {"event_before_start", "event_in_future", TIME_UNUSABLE}
REASONS = (
    OF_A_VALUE | {f"{column.name}_{why}" for column in EVENT for why in OF_A_FIELD} | OF_A_TIME
)
