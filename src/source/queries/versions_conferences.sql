-- The versions of conferences. What the queries `versions_*.sql` have in common: the system column xmin is the transaction
-- that wrote a row as it is, hence another one after every change; hashed with the row's id and summed up it is a
-- fingerprint of a set of rows that no order changes. `{all}` is true, or false where only some conferences are asked for.
SELECT
    conference.id AS conference_id,
    1::bigint AS number,
    pg_catalog.uuid_hash_extended(conference.id, conference.xmin::text::bigint)::text AS versions
FROM conference
WHERE conference.is_active AND ({all} OR conference.id = ANY ({conferences}))
