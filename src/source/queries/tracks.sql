-- The tracks of the conferences of a part; the service stores only the session of a track.
SELECT
    app_track.id,
    app_track.kind,
    app_track.direction,
    app_track.track_id,
    app_track.label,
    app_track.track_info,
    app_track.created_at,
    app_track.connection_id,
    app_track.session_id,
    app_session.conference_id
FROM app_session
JOIN app_track ON app_track.session_id = app_session.id AND app_track.is_active
WHERE app_session.conference_id = ANY ({conferences})
