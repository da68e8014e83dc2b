-- Takes away what `begin.sql` makes, or what is left of it.
DO $do$
DECLARE
    thing record;
BEGIN
    FOR thing IN
        SELECT pg_trigger.tgrelid::regclass AS of, pg_trigger.tgname AS name
        FROM pg_trigger
        JOIN pg_class ON pg_class.oid = pg_trigger.tgrelid AND pg_class.relnamespace = '{schema}'::regnamespace
        WHERE pg_trigger.tgname LIKE 'peerpress\_%'
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', thing.name, thing.of);
    END LOOP;
    FOR thing IN
        SELECT pg_proc.oid::regprocedure AS name
        FROM pg_proc
        WHERE pg_proc.pronamespace = '{schema}'::regnamespace AND pg_proc.proname LIKE 'peerpress\_note%'
    LOOP
        EXECUTE format('DROP FUNCTION %s', thing.name);
    END LOOP;
END
$do$;
DROP TABLE IF EXISTS {schema}.peerpress_change, {schema}.peerpress_log;
