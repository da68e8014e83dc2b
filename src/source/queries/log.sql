-- The change log, if one is being kept: its name, where it begins, and how many of its triggers are in force. Without a row
-- there is none that this role may read.
SELECT
    log.generation::text AS generation,
    log.kept_from,
    (
        SELECT count(*)
        FROM pg_catalog.pg_trigger
        WHERE pg_trigger.tgname LIKE 'peerpress\_%' AND pg_trigger.tgenabled IN ('O', 'A')
            AND pg_trigger.tgrelid = ANY ($1::text[]::regclass[]::oid[])
    ) AS triggers
FROM peerpress_log AS log
