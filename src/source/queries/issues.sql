-- The issues of the conferences of a part. The service stores some codes without a conference: they belong to that of
-- their session. Two halves, because neither index would serve a condition on both columns.
SELECT
    app_issue.id,
    app_issue.type,
    app_issue.code,
    app_issue.data,
    app_issue.created_at,
    app_issue.session_id,
    app_issue.conference_id,
    app_issue.participant_id,
    app_issue.connection_id,
    app_issue.track_id,
    app_issue.conference_id AS in_conference_id
FROM app_issue
WHERE app_issue.conference_id = ANY ({conferences}) AND app_issue.is_active
UNION ALL
SELECT
    app_issue.id,
    app_issue.type,
    app_issue.code,
    app_issue.data,
    app_issue.created_at,
    app_issue.session_id,
    app_issue.conference_id,
    app_issue.participant_id,
    app_issue.connection_id,
    app_issue.track_id,
    app_session.conference_id AS in_conference_id
FROM app_session
JOIN app_issue ON app_issue.session_id = app_session.id AND app_issue.is_active
WHERE app_session.conference_id = ANY ({conferences}) AND app_issue.conference_id IS NULL
