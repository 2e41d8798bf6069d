-- name: children
-- The runs nested in one, oldest first. A child starts after its parent, which makes the search short.
SELECT r.* FROM runs r JOIN tags t ON t.run_no = r.no AND t.key = 'mlflow.parentRunId' AND t.value = :run_id
WHERE r.experiment_id = :experiment_id AND r.lifecycle_stage = 'active' AND r.start_ms >= :since_ms
ORDER BY r.start_ms, r.no LIMIT :limit

-- name: running_steps
-- Steps of a run that have begun and not ended.
SELECT r.id, s.value AS step FROM runs r
JOIN tags t ON t.run_no = r.no AND t.key = 'mlflow.parentRunId' AND t.value = :run_id
JOIN tags s ON s.run_no = r.no AND s.key = 'paved.step'
WHERE r.experiment_id = :experiment_id AND r.lifecycle_stage = 'active' AND r.start_ms >= :since_ms
  AND r.status = 'RUNNING'
ORDER BY r.no
