from cab_assets_tests.clicks import Clicks, event, numbered


def test_every_record_is_in_one_of_the_views_once_and_then_in_its_day(clicks: Clicks) -> None:
    clicks.create()
    good = clicks.send(
        [
            *numbered(range(40), timestamp="2020-03-14 09:59:07"),
            *numbered(range(40, 60), timestamp="2020-03-15 00:00:00"),
        ]
    )
    bad = clicks.send([b"no JSON", None, event(lat="95")])
    assert clicks.ingest().success
    assert clicks.places("clickstream") == sorted(good)
    assert clicks.places("clickstream_rejects") == sorted(bad)
    assert clicks.fold().success
    assert clicks.query(
        "SELECT event_date, count(*), sum(copies) FROM {clicks} GROUP BY event_date ORDER BY 1"
    ) == [("2020-03-14", 40, 40), ("2020-03-15", 20, 20)]
    assert clicks.places("clicks") == sorted(good)
    assert clicks.places("rejects") == sorted(bad)


def test_a_run_without_anything_new_commits_nothing_and_says_so(clicks: Clicks) -> None:
    clicks.create()
    clicks.send(numbered(range(3)))
    assert clicks.ingest().success
    again = clicks.ingest()
    assert "nothing new: all is committed" in again.log
    assert [batch.number for batch in clicks.batches()] == [1]
