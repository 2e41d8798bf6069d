-- name: start_transfer
INSERT INTO transfers (direction, address, started_ms) VALUES (:direction, :address, :at_ms)
ON CONFLICT (direction, address) DO UPDATE SET ended_ms = NULL
RETURNING id

-- name: find_transfer
SELECT id FROM transfers WHERE direction = :direction AND address = :address

-- name: end_transfer
UPDATE transfers SET ended_ms = :at_ms WHERE id = :id

-- name: transferred
SELECT source, target, digest FROM transferred WHERE transfer_id = :transfer_id AND kind = :kind

-- name: mark_transferred
INSERT INTO transferred (transfer_id, kind, source, target, digest, at_ms)
VALUES (:transfer_id, :kind, :source, :target, :digest, :at_ms)
ON CONFLICT (transfer_id, kind, source) DO UPDATE
SET target = excluded.target, digest = excluded.digest, at_ms = excluded.at_ms
