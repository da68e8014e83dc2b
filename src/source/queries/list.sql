-- Which conferences there are, by time, which is the order of the parts.
SELECT
    conference.id,
    conference.created_at
FROM conference
JOIN app ON app.id = conference.app_id AND app.is_active
JOIN organization ON organization.id = app.organization_id AND organization.is_active
WHERE conference.is_active
ORDER BY conference.created_at, conference.id
