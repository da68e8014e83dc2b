-- The versions of the links of participants to conferences.
SELECT
    participant_conferences.conference_id,
    count(*) AS number,
    sum(pg_catalog.hashint8extended(participant_conferences.id, participant_conferences.xmin::text::bigint))::text AS versions
FROM participant_conferences
WHERE {all} OR participant_conferences.conference_id = ANY ({conferences})
GROUP BY participant_conferences.conference_id
