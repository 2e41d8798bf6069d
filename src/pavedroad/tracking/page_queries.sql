-- name: experiments
-- Those that take runs, the one changed last first.
SELECT id, name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY updated_ms DESC, id DESC LIMIT :limit

-- name: experiment_of_run
SELECT e.id, e.name FROM experiments e JOIN runs r ON r.experiment_id = e.id WHERE r.id = :run_id

-- name: children
-- The runs nested in one, oldest first.
SELECT r.* FROM runs r JOIN tags t ON t.run_no = r.no
WHERE r.experiment_id = :experiment_id AND r.lifecycle_stage = 'active' AND r.start_ms >= :since_ms
  AND t.key = 'mlflow.parentRunId' AND t.value = :run_id
ORDER BY r.start_ms, r.no LIMIT :limit

-- name: name_of_run
SELECT name FROM runs WHERE id = :run_id

-- name: curve_sizes
-- Curves of a run with their numbers of points.
SELECT l.key, COUNT(*) AS points FROM latest_metrics l JOIN metrics m ON m.curve = l.curve
WHERE l.run_no = :no GROUP BY l.key ORDER BY l.key

-- name: points_by_step
SELECT m.at_ms, m.step, m.value, m.is_nan FROM metrics m
JOIN latest_metrics l ON l.curve = m.curve
WHERE l.run_no = :no AND l.key = :key
ORDER BY m.step, m.at_ms, m.value LIMIT :limit OFFSET :offset
