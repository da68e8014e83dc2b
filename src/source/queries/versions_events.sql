-- The versions of events.
SELECT
    app_genericevent.conference_id,
    count(*) AS number,
    sum(pg_catalog.uuid_hash_extended(app_genericevent.id, app_genericevent.xmin::text::bigint))::text AS versions
FROM app_genericevent
WHERE app_genericevent.is_active AND ({all} OR app_genericevent.conference_id = ANY ({conferences}))
GROUP BY app_genericevent.conference_id
