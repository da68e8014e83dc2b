-- Whether there is a change log that this role may read.
SELECT
    COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass('peerpress_log'), 'SELECT'), false)
    AND COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass('peerpress_change'), 'SELECT'), false) AS readable
