-- How many events each conference has, where the versions of rows cannot be had.
SELECT
    app_genericevent.conference_id,
    count(*) AS number,
    '' AS versions
FROM app_genericevent
WHERE app_genericevent.is_active
GROUP BY app_genericevent.conference_id
