import json

from cab_assets.dev.sample.poison import having, without

CLICK = b'{"customer_id": "1", " timestamp": "2020-03-01 10:00:00\\n", "lat": "1.5"}'


def test_a_value_that_poison_replaces_leaves_the_others_as_they_are() -> None:
    assert json.loads(having("timestamp", "yesterday")(CLICK) or b"") == {
        "customer_id": "1",
        " timestamp": "yesterday",
        "lat": "1.5",
    }


def test_a_field_that_poison_takes_away_leaves_the_others_as_they_are() -> None:
    left = json.loads(without("lat")(CLICK) or b"")
    assert left == {"customer_id": "1", " timestamp": "2020-03-01 10:00:00\n"}
