-- name: step_runs_of
-- The runs of the steps of a run, also of those that had not ended.
SELECT r.id FROM step_runs s JOIN runs r ON r.id = s.step_run_id WHERE s.run_id = :run_id
UNION
SELECT r.id FROM tags t JOIN runs r ON r.no = t.run_no
JOIN tags k ON k.run_no = r.no AND k.key = 'paved.kind' AND k.value = 'step'
WHERE t.key = 'mlflow.parentRunId' AND t.value = :run_id AND r.experiment_id = :experiment_id
ORDER BY 1

-- name: erase_cache_entries
DELETE FROM cache_entries WHERE run_id = :run_id OR step_run_id = :run_id

-- name: erase_steps
DELETE FROM step_runs WHERE run_id = :run_id OR step_run_id = :run_id

-- name: erase_snapshots
DELETE FROM project_snapshots WHERE run_id = :run_id

-- name: erase_pipeline_run
DELETE FROM pipeline_runs WHERE run_id = :run_id

-- name: unused_entries
-- Results that no run has made or taken since a moment.
SELECT e.cache_key, e.output FROM cache_entries e
LEFT JOIN (SELECT cache_key, MAX(ended_ms) AS used_ms FROM step_runs WHERE cache_key <> '' GROUP BY cache_key) u
    ON u.cache_key = e.cache_key
WHERE e.created_ms < :before_ms AND COALESCE(u.used_ms, 0) < :before_ms
ORDER BY e.cache_key

-- name: erase_unused_entry
DELETE FROM cache_entries WHERE cache_key = :cache_key AND created_ms < :before_ms
    AND NOT EXISTS (SELECT 1 FROM step_runs s WHERE s.cache_key = :cache_key AND s.ended_ms >= :before_ms)

-- name: forget_entry
DELETE FROM cache_entries WHERE cache_key = :cache_key

-- name: values_of_entries
SELECT cache_key, run_id, step_run_id, output FROM cache_entries WHERE output <> '' AND created_ms >= :since_ms

-- name: values_of_steps
-- What steps gave since a moment, or in runs that still go on: others may be about to read it.
SELECT s.run_id, s.step_run_id, s.output FROM step_runs s JOIN pipeline_runs p ON p.run_id = s.run_id
WHERE s.output <> '' AND (s.ended_ms >= :since_ms OR p.status = 'RUNNING')

-- name: erase_unused_code
DELETE FROM code_parts WHERE NOT EXISTS (SELECT 1 FROM step_runs s WHERE s.code = code_parts.digest)

-- name: erase_unused_environments
DELETE FROM environments WHERE NOT EXISTS (SELECT 1 FROM pipeline_runs p WHERE p.environment = environments.digest)
