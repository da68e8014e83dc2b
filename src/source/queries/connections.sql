-- The connections of the conferences of a part.
SELECT
    app_connection.id,
    app_connection.type,
    app_connection.state,
    app_connection.connection_info,
    app_connection.start_time,
    app_connection.end_time,
    app_connection.duration,
    app_connection.created_at,
    app_connection.conference_id,
    app_connection.participant_id,
    app_connection.peer_id,
    app_connection.session_id
FROM app_connection
WHERE app_connection.conference_id = ANY ({conferences}) AND app_connection.is_active
