-- Change tracking, only by `peerpress migrate --track-changes`: which conferences were changed by which transactions, so that a
-- snapshot looks only at those, and whoever waits for changes hears of them. `{schema}` is the schema of the tables.
--
-- Statement-level triggers note the conferences that a statement touches, in buckets of 4,096 transactions, so that all the
-- events of a call cost a row or a few. Nothing in it waits for another transaction, hence no unique key: two writers at
-- once may note the same twice, and nobody minds. The functions run with the rights of their owner, so that who writes
-- calls needs no right on our tables; all names in them are qualified. A transaction that notifies cannot be prepared for a
-- two-phase commit, which Peer Metrics does not use.

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

CREATE FUNCTION {schema}.peerpress_note(changed uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    this_bucket CONSTANT bigint := pg_catalog.txid_current() OPERATOR(pg_catalog.>>) {bits};
BEGIN
    INSERT INTO {schema}.peerpress_change (bucket, conference_id)
    SELECT this_bucket, new.id
    FROM pg_catalog.unnest(changed) AS new (id)
    WHERE new.id IS NOT NULL AND NOT EXISTS (
        SELECT FROM {schema}.peerpress_change AS old
        WHERE old.bucket OPERATOR(pg_catalog.=) this_bucket AND old.conference_id OPERATOR(pg_catalog.=) new.id
    );
    PERFORM pg_catalog.pg_notify('{channel}', '');
END
$$;

-- Tables that are read whole, and truncated ones.
CREATE FUNCTION {schema}.peerpress_note_fixed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM {schema}.peerpress_note(ARRAY[TG_ARGV[0]::uuid]);
    RETURN NULL;
END
$$;

-- One function per table, because a plan for one table's rows does not fit another's.
DO $do$
DECLARE
    source record;
    event  record;
BEGIN
    FOR source IN
        SELECT *
        FROM (VALUES
            ('conference', 'id', NULL),
            ('participant_conferences', 'conference_id', NULL),
            ('summary', 'conference_id', NULL),
            ('app_session', 'conference_id', NULL),
            ('app_connection', 'conference_id', NULL),
            ('app_genericevent', 'conference_id', NULL),
            -- Those of a session that is gone went with it.
            ('app_track', 'session.conference_id', 'JOIN {schema}.app_session AS session ON session.id = changed.session_id'),
            -- The service stores some issues without a conference: they belong to that of their session.
            (
                'app_issue', 'COALESCE(changed.conference_id, session.conference_id)',
                'LEFT JOIN {schema}.app_session AS session ON session.id = changed.session_id'
            )
        ) AS tables (name, conference, by_session)
    LOOP
        EXECUTE format($function$
            CREATE FUNCTION {schema}.%1$I() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            DECLARE
                ids uuid[];
            BEGIN
                CASE TG_OP
                    WHEN 'INSERT' THEN
                        SELECT array_agg(DISTINCT %2$s) INTO ids FROM new_rows AS changed %3$s;
                    WHEN 'DELETE' THEN
                        SELECT array_agg(DISTINCT %2$s) INTO ids FROM old_rows AS changed %3$s;
                    ELSE
                        SELECT array_agg(DISTINCT %2$s) INTO ids
                        FROM (SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows) AS changed %3$s;
                END CASE;
                IF ids IS NOT NULL THEN
                    PERFORM {schema}.peerpress_note(ids);
                END IF;
                RETURN NULL;
            END
            $$
            $function$, 'peerpress_note_' || source.name, source.conference, source.by_session);
        FOR event IN
            SELECT *
            FROM (VALUES
                ('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
                ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
                ('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows')
            ) AS events (name, rows)
        LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON {schema}.%I %s FOR EACH STATEMENT EXECUTE FUNCTION {schema}.%I()',
                'peerpress_' || lower(event.name), event.name, source.name, event.rows, 'peerpress_note_' || source.name
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
