-- All active apps of active organizations.
-- withheld: app.api_key: a secret; whoever has it can write calls into the app
SELECT
    app.id,
    app.name,
    app.domain,
    app."interval",
    app.recording,
    app.durations_days,
    app.created_at,
    app.organization_id
FROM app
JOIN organization ON organization.id = app.organization_id AND organization.is_active
WHERE app.is_active
ORDER BY app.id
