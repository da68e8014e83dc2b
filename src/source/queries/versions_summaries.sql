-- The versions of summaries.
SELECT
    summary.conference_id,
    count(*) AS number,
    sum(pg_catalog.uuid_hash_extended(summary.conference_id, summary.xmin::text::bigint))::text AS versions
FROM summary
WHERE summary.is_active AND ({all} OR summary.conference_id = ANY ({conferences}))
GROUP BY summary.conference_id
