-- The versions of tracks, by the conferences of their sessions, whether these are active or not, as tracks are read.
SELECT
    app_session.conference_id,
    count(*) AS number,
    sum(pg_catalog.uuid_hash_extended(app_track.id, app_track.xmin::text::bigint))::text AS versions
FROM app_session
JOIN app_track ON app_track.session_id = app_session.id AND app_track.is_active
WHERE {all} OR app_session.conference_id = ANY ({conferences})
GROUP BY app_session.conference_id
