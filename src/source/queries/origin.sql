-- Which server this is, and what this transaction sees: see the fields of `Origin`. A server that was started again may have
-- been restored to another past, and a replica may be behind another one; none of that happens to one that keeps running.
SELECT
    pg_catalog.concat_ws(' ', pg_catalog.current_database(), current_user, pg_catalog.pg_postmaster_start_time()) AS server,
    pg_catalog.txid_current_snapshot()::text AS seen,
    pg_catalog.current_setting('server_version_num')::int AS version
