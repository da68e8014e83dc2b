-- Deletes what no recent snapshot asks for: buckets that end well before the first transaction that is still open. Who comes
-- with an older snapshot sees by `kept_from` that the log does not reach back to it.
WITH bound AS (
    SELECT (txid_snapshot_xmin(txid_current_snapshot()) >> {bits}) - {kept} AS bucket
)
UPDATE peerpress_log SET kept_from = bound.bucket FROM bound WHERE peerpress_log.kept_from + {kept} < bound.bucket;
DELETE FROM peerpress_change WHERE bucket < (SELECT kept_from FROM peerpress_log);
