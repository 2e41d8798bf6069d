-- name: beat
-- A run that was marked as lost and beats again runs after all.
UPDATE runs SET heartbeat_ms = :at_ms, status = 'RUNNING', end_ms = NULL
WHERE id = :id AND status IN ('RUNNING', 'LOST')

-- name: mark_lost
-- It was alive at its last beat; nobody knows for how long after.
UPDATE runs SET status = 'LOST', end_ms = CASE WHEN heartbeat_ms > start_ms THEN heartbeat_ms ELSE start_ms END
WHERE id = :id AND status = 'RUNNING' AND heartbeat_ms IS NOT NULL
