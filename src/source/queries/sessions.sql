-- The sessions of the conferences of a part.
-- withheld: app_session.constraints: what the browser can constrain, which its version says already; never shown
SELECT
    app_session.id,
    app_session.devices,
    app_session.platform,
    app_session.metadata,
    app_session.geo_ip,
    app_session.app_version,
    app_session.webrtc_sdk,
    app_session.session_info,
    app_session.duration,
    app_session.end_time,
    app_session.call_start,
    app_session.created_at,
    app_session.conference_id,
    app_session.participant_id
FROM app_session
WHERE app_session.conference_id = ANY ({conferences}) AND app_session.is_active
