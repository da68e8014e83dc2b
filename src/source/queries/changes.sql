-- The conferences that transactions of these buckets and later ones changed.
SELECT DISTINCT change.conference_id
FROM peerpress_change AS change
WHERE change.bucket >= {bucket}
