-- The versions of sessions.
SELECT
    app_session.conference_id,
    count(*) AS number,
    sum(pg_catalog.uuid_hash_extended(app_session.id, app_session.xmin::text::bigint))::text AS versions
FROM app_session
WHERE app_session.is_active AND ({all} OR app_session.conference_id = ANY ({conferences}))
GROUP BY app_session.conference_id
