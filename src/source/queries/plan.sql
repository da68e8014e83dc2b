-- Which conferences there are, in the order of the parts, and how large each is.
SELECT
    conference.id,
    conference.created_at,
    COALESCE(weight.events, 0) AS events
FROM conference
JOIN app ON app.id = conference.app_id AND app.is_active
JOIN organization ON organization.id = app.organization_id AND organization.is_active
LEFT JOIN (
    SELECT app_genericevent.conference_id, count(*) AS events
    FROM app_genericevent
    WHERE app_genericevent.is_active
    GROUP BY app_genericevent.conference_id
) AS weight ON weight.conference_id = conference.id
WHERE conference.is_active
ORDER BY conference.created_at, conference.id
