-- The versions of issues, by the conferences that they are read with: two halves, as they are read.
SELECT
    issue.conference_id,
    count(*) AS number,
    sum(issue.version)::text AS versions
FROM (
    SELECT
        app_issue.conference_id,
        pg_catalog.uuid_hash_extended(app_issue.id, app_issue.xmin::text::bigint) AS version
    FROM app_issue
    WHERE app_issue.is_active AND app_issue.conference_id IS NOT NULL
        AND ({all} OR app_issue.conference_id = ANY ({conferences}))
    UNION ALL
    SELECT
        app_session.conference_id,
        pg_catalog.uuid_hash_extended(app_issue.id, app_issue.xmin::text::bigint) AS version
    FROM app_session
    JOIN app_issue ON app_issue.session_id = app_session.id AND app_issue.is_active
    WHERE app_issue.conference_id IS NULL AND ({all} OR app_session.conference_id = ANY ({conferences}))
) AS issue
GROUP BY issue.conference_id
