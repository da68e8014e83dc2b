-- All active organizations.
SELECT
    organization.id,
    organization.name,
    organization.created_at
FROM organization
WHERE organization.is_active
ORDER BY organization.id
