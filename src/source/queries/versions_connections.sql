-- The versions of connections.
SELECT
    app_connection.conference_id,
    count(*) AS number,
    sum(pg_catalog.uuid_hash_extended(app_connection.id, app_connection.xmin::text::bigint))::text AS versions
FROM app_connection
WHERE app_connection.is_active AND ({all} OR app_connection.conference_id = ANY ({conferences}))
GROUP BY app_connection.conference_id
