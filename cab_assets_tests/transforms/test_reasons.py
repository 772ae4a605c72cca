from cab_assets.transforms.reasons import REASONS
from cab_assets_tests.defs.clickstream.test_poison import POISON


def test_every_reason_that_poison_is_rejected_for_is_known() -> None:
    found = {reason for _, reasons in POISON for reason in reasons}
    assert found | {"kafka_timestamp_unusable"} <= REASONS
