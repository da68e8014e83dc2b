-- What peerpress adds to a Peer Metrics database, whoever made its tables: two indexes along which a snapshot reads. Both
-- carry the prefix `peerpress_`, so that nobody takes them for Django's, and both can be dropped at any time.
--
-- Only indexes: a view on these tables would make PostgreSQL refuse the `ALTER TABLE … TYPE` of a later Django migration.
-- Building the first one on a large, busy database holds up writers meanwhile. Who cannot afford that builds it beforehand
-- with `CREATE INDEX CONCURRENTLY` under the same name, and this file leaves it as it is.

-- The events of a conference in the order of time, which is how a snapshot is sorted; also "when did it last change?".
CREATE INDEX IF NOT EXISTS peerpress_genericevent_conference_created
    ON app_genericevent (conference_id, created_at);

-- The conferences of a day, over all apps: a partition of the snapshot.
CREATE INDEX IF NOT EXISTS peerpress_conference_created
    ON conference (created_at);
