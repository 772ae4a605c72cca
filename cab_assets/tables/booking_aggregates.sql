-- A NULL amount is ignored by the sums, the mean and the highest tip
SELECT
    booking_date,
    currency_code,
    count(*) AS total_bookings,
    sum(trip_fare) AS total_booking_amount,
    max(tip_amount) AS top_tip_amount,
    sum(tip_amount) AS total_tip_amount,
    avg(trip_fare) AS average_booking_amount
FROM {rows}
GROUP BY booking_date, currency_code
