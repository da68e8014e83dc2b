-- The events of the conferences of a part, those of getStats included.
SELECT
    app_genericevent.id,
    app_genericevent.type,
    app_genericevent.category,
    app_genericevent.data,
    app_genericevent.created_at,
    app_genericevent.app_id,
    app_genericevent.conference_id,
    app_genericevent.participant_id,
    app_genericevent.session_id,
    app_genericevent.peer_id,
    app_genericevent.connection_id,
    app_genericevent.track_id
FROM app_genericevent
WHERE app_genericevent.conference_id = ANY ({conferences}) AND app_genericevent.is_active
