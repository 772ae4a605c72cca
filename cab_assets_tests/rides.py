"""Bookings of a test's own."""

from typing import Any

NO_TIME = "no time"  # each database has one of its own


def ride(booking_id: str, pickup: str, **other: Any) -> dict[str, Any]:
    """One booking; what is not said is as usual."""
    usual = {
        "booking_id": booking_id,
        "customer_id": 11,
        "driver_id": 22,
        "customer_app_version": "2.1.10",
        "customer_phone_os_version": "iOS",
        "pickup_lat": 12.9715987,
        "pickup_lon": 77.5945627,
        "drop_lat": -33.8688197,
        "drop_lon": 151.2092955,
        "pickup_timestamp": pickup,
        "drop_timestamp": f"{pickup[:10]} 12:30:00",
        "trip_fare": "100.00",
        "tip_amount": "10.00",
        "currency_code": "INR",
        "cab_color": "black",
        "cab_registration_no": "123-45-6789",
        "customer_rating_by_driver": 5,
        "rating_by_customer": 4,
        "passenger_count": 1,
    }
    return usual | other
