"""The pipeline's own tests, over databases that are spoken to with TLS and a password."""

import pytest

from cab_assets_tests.defs.bookings.test_amended_days import (  # noqa: F401
    test_a_day_that_goes_back_to_what_it_was_is_published_anew,
    test_an_unchanged_day_says_so_in_the_log_and_writes_nothing,
    test_exactly_the_amended_days_get_a_new_version_and_no_old_file_changes,
)
from cab_assets_tests.defs.bookings.test_end_to_end import (  # noqa: F401
    test_a_day_from_the_command_line_ends_with_0_and_the_same_rows,
    test_both_tables_hold_exactly_what_sql_says_of_the_source_to_hive_and_to_spark,
)

pytestmark = pytest.mark.cluster
