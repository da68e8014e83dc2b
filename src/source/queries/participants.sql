-- All participants of active apps; of a deleted one only that there was somebody, not who.
SELECT
    participant.id,
    CASE WHEN participant.is_active THEN participant.participant_id END AS participant_id,
    CASE WHEN participant.is_active THEN participant.participant_name END AS participant_name,
    participant.is_sfu,
    participant.created_at,
    participant.is_active,
    participant.app_id
FROM participant
JOIN app ON app.id = participant.app_id AND app.is_active
JOIN organization ON organization.id = app.organization_id AND organization.is_active
ORDER BY participant.id
