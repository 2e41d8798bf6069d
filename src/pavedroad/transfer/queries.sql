-- name: start_transfer
INSERT INTO transfers (direction, address, started_ms) VALUES (:direction, :address, :at_ms)
ON CONFLICT (direction, address) DO UPDATE SET ended_ms = NULL
RETURNING id

-- name: find_transfer
SELECT id FROM transfers WHERE direction = :direction AND address = :address

-- name: end_transfer
UPDATE transfers SET ended_ms = :at_ms WHERE id = :id

-- name: transferred
SELECT source, target, digest, points FROM transferred WHERE transfer_id = :transfer_id AND kind = :kind

-- name: mark_transferred
INSERT INTO transferred (transfer_id, kind, source, target, digest, points, at_ms)
VALUES (:transfer_id, :kind, :source, :target, :digest, :points, :at_ms)
ON CONFLICT (transfer_id, kind, source) DO UPDATE
SET target = excluded.target, digest = excluded.digest, points = excluded.points, at_ms = excluded.at_ms

-- name: runs_here
-- What of the marked ones the record really holds, and how many points.
SELECT COUNT(*) AS runs, COALESCE(SUM(p.points), 0) AS points
FROM transferred t
JOIN runs r ON r.id = t.target
LEFT JOIN (SELECT run_no, SUM(points) AS points FROM latest_metrics GROUP BY run_no) AS p ON p.run_no = r.no
WHERE t.transfer_id = :transfer_id AND t.kind = 'run'

-- name: logged_models_here
SELECT COUNT(*) FROM transferred t JOIN logged_models m ON m.id = t.target
WHERE t.transfer_id = :transfer_id AND t.kind = 'logged-model'

-- name: versions_here
SELECT COUNT(*) FROM transferred t JOIN model_versions v ON v.uid = t.target
WHERE t.transfer_id = :transfer_id AND t.kind = 'version'

-- name: points_of_run
SELECT COALESCE(SUM(points), 0) FROM latest_metrics WHERE run_no = :no

-- name: numbers_of_model
-- Of its versions, deleted ones too.
SELECT version FROM model_version_numbers WHERE name = :name
