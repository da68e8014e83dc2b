-- Change tracking, only by `peerpress migrate --track-changes`: which conferences were changed by which transactions, so that a
-- snapshot looks only at those, and whoever waits for changes hears of them. `{schema}` is the schema of the tables.
--
-- Statement-level triggers note the conferences that a statement touches, in buckets of 4,096 transactions, so that all the
-- events of a call cost a row or a few. Nothing in it waits for another transaction, hence no unique key: two writers at
-- once may note the same twice, and nobody minds. The functions run with the rights of their owner, so that who writes
-- calls needs no right on our tables. Every name, type and operator in them is qualified rather than a search path set: to
-- set one takes longer than all the rest. A transaction that notifies cannot be prepared for a two-phase commit, which
-- Peer Metrics does not use.

-- One row: which log this is (the transaction that began it), and from which bucket on it has everything.
CREATE TABLE {schema}.peerpress_log (
    generation bigint NOT NULL,
    kept_from  bigint NOT NULL
);
INSERT INTO {schema}.peerpress_log VALUES (txid_current(), txid_current() >> {bits});

-- A conference may have been changed by a transaction with a number of this bucket. {globals} is no conference: an
-- organization, an app or a participant was changed. {everything}: a table was truncated.
CREATE TABLE {schema}.peerpress_change (
    bucket        bigint NOT NULL,
    conference_id uuid   NOT NULL
);
CREATE INDEX peerpress_change_bucket ON {schema}.peerpress_change (bucket, conference_id);

-- Tables that are read whole, and truncated ones.
CREATE FUNCTION {schema}.peerpress_note_fixed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    this_bucket CONSTANT bigint := pg_catalog.txid_current() OPERATOR(pg_catalog.>>) {bits};
    what        CONSTANT pg_catalog.uuid := TG_ARGV[0];
BEGIN
    INSERT INTO {schema}.peerpress_change (bucket, conference_id)
    SELECT this_bucket, what
    WHERE NOT EXISTS (
        SELECT FROM {schema}.peerpress_change AS noted
        WHERE noted.bucket OPERATOR(pg_catalog.=) this_bucket AND noted.conference_id OPERATOR(pg_catalog.=) what
    );
    PERFORM pg_catalog.pg_notify('{channel}', '');
    RETURN NULL;
END
$$;

-- One function per table and event, so that each has little to do.
DO $do$
DECLARE
    source   record;
    event    record;
    function text;
BEGIN
    FOR source IN
        SELECT *
        FROM (VALUES
            ('conference', 'changed.id', ''),
            ('participant_conferences', 'changed.conference_id', ''),
            ('summary', 'changed.conference_id', ''),
            ('app_session', 'changed.conference_id', ''),
            ('app_connection', 'changed.conference_id', ''),
            ('app_genericevent', 'changed.conference_id', ''),
            -- Those of a session that is gone went with it.
            ('app_track', 'session.conference_id', 'JOIN'),
            -- The service stores some issues without a conference: they belong to that of their session.
            ('app_issue', 'COALESCE(changed.conference_id, session.conference_id)', 'LEFT JOIN')
        ) AS tables (name, conference, by_session)
    LOOP
        IF source.by_session <> '' THEN
            source.by_session := source.by_session
                || ' {schema}.app_session AS session ON session.id OPERATOR(pg_catalog.=) changed.session_id';
        END IF;
        FOR event IN
            SELECT *
            FROM (VALUES
                ('INSERT', 'REFERENCING NEW TABLE AS new_rows', ARRAY['new_rows']),
                ('DELETE', 'REFERENCING OLD TABLE AS old_rows', ARRAY['old_rows']),
                ('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', ARRAY['old_rows', 'new_rows'])
            ) AS events (name, referencing, rows)
        LOOP
            function := format('peerpress_note_%s_%s', source.name, lower(event.name));
            EXECUTE format(
                $function$
                CREATE FUNCTION {schema}.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                DECLARE
                    this_bucket CONSTANT bigint := pg_catalog.txid_current() OPERATOR(pg_catalog.>>) {bits};
                BEGIN
                    INSERT INTO {schema}.peerpress_change (bucket, conference_id)
                    SELECT DISTINCT this_bucket, touched.id
                    FROM (%s) AS touched (id)
                    WHERE touched.id IS NOT NULL AND NOT EXISTS (
                        SELECT FROM {schema}.peerpress_change AS noted
                        WHERE noted.bucket OPERATOR(pg_catalog.=) this_bucket
                            AND noted.conference_id OPERATOR(pg_catalog.=) touched.id
                    );
                    PERFORM pg_catalog.pg_notify('{channel}', '');
                    RETURN NULL;
                END
                $$
                $function$,
                function,
                (
                    SELECT string_agg(
                        format('SELECT %s FROM %s AS changed %s', source.conference, rows, source.by_session), ' UNION ALL '
                    )
                    FROM unnest(event.rows) AS rows
                )
            );
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON {schema}.%I %s FOR EACH STATEMENT EXECUTE FUNCTION {schema}.%I()',
                'peerpress_' || lower(event.name), event.name, source.name, event.referencing, function
            );
        END LOOP;
        EXECUTE format(
            'CREATE TRIGGER peerpress_truncate AFTER TRUNCATE ON {schema}.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION {schema}.peerpress_note_fixed(%L)', source.name, '{everything}'
        );
    END LOOP;
    FOR source IN SELECT * FROM (VALUES ('organization'), ('app'), ('participant')) AS tables (name) LOOP
        EXECUTE format(
            'CREATE TRIGGER peerpress_any AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {schema}.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION {schema}.peerpress_note_fixed(%L)', source.name, '{globals}'
        );
    END LOOP;
    -- Whoever may read conferences may read which of them changed; nobody needs to call the functions.
    FOR source IN
        SELECT CASE WHEN grants.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grants.grantee)) END AS name
        FROM pg_class, aclexplode(pg_class.relacl) AS grants
        WHERE pg_class.oid = '{schema}.conference'::regclass AND grants.privilege_type = 'SELECT'
    LOOP
        EXECUTE format('GRANT SELECT ON {schema}.peerpress_log, {schema}.peerpress_change TO %s', source.name);
    END LOOP;
    FOR source IN
        SELECT pg_proc.oid::regprocedure AS name
        FROM pg_proc
        WHERE pg_proc.pronamespace = '{schema}'::regnamespace AND pg_proc.proname LIKE 'peerpress\_note%'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', source.name);
    END LOOP;
    -- Also for sessions that replay another server's changes.
    FOR source IN
        SELECT pg_trigger.tgrelid::regclass AS of, pg_trigger.tgname AS name
        FROM pg_trigger
        JOIN pg_class ON pg_class.oid = pg_trigger.tgrelid AND pg_class.relnamespace = '{schema}'::regnamespace
        WHERE pg_trigger.tgname LIKE 'peerpress\_%'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', source.of, source.name);
    END LOOP;
END
$do$;
