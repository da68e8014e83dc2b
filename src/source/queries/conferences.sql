-- The conferences of a part, with their participants and summaries. That they, their apps and their organizations are
-- active was seen when the parts were planned.
-- withheld: summary.id: a conference has one summary, which is found by the conference's id
-- withheld: summary.created_at: when the service began to build it, which nobody asks for
SELECT
    conference.id,
    conference.conference_id,
    conference.conference_name,
    conference.conference_info,
    conference.start_time,
    conference.call_start,
    conference.end_time,
    conference.ongoing,
    conference.duration,
    conference.created_at,
    conference.app_id,
    ARRAY(
        SELECT participant_conferences.participant_id
        FROM participant_conferences
        WHERE participant_conferences.conference_id = conference.id
        ORDER BY participant_conferences.id
    ) AS participants,
    summary.status AS summary_status,
    summary.version AS summary_version,
    summary.end_time AS summary_end_time,
    summary.data AS summary_data
FROM conference
LEFT JOIN summary ON summary.conference_id = conference.id AND summary.is_active
WHERE conference.id = ANY ({conferences})
