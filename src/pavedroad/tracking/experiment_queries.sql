-- name: experiments_shown
-- Those of one stage whose name holds some words, the one with the newest run first.
SELECT id, name, lifecycle_stage, created_ms, updated_ms, last_run_ms FROM (
    SELECT e.id, e.name, e.lifecycle_stage, e.created_ms, e.updated_ms,
        (SELECT MAX(r.start_ms) FROM runs r WHERE r.experiment_id = e.id AND r.lifecycle_stage = e.lifecycle_stage) AS last_run_ms
    FROM experiments e WHERE e.lifecycle_stage = :stage AND LOWER(e.name) LIKE :words ESCAPE '!'
) AS found
ORDER BY COALESCE(last_run_ms, created_ms) DESC, id DESC LIMIT :limit OFFSET :offset

-- name: count_experiments
SELECT COUNT(*) FROM experiments e WHERE e.lifecycle_stage = :stage AND LOWER(e.name) LIKE :words ESCAPE '!'

-- name: note_of_experiment
SELECT value FROM experiment_tags WHERE experiment_id = :id AND key = :key

-- name: newest_runs
-- Not those inside other runs.
SELECT r.id, r.name, r.user_id, r.status, r.start_ms, r.end_ms FROM runs r
WHERE r.experiment_id = :id AND r.lifecycle_stage = :stage
  AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.run_no = r.no AND t.key = :parent)
ORDER BY r.start_ms DESC, r.id LIMIT :limit

-- name: last_activity
SELECT MAX(start_ms) FROM runs WHERE experiment_id = :id AND lifecycle_stage = :stage

-- name: count_logged_models
SELECT COUNT(*) FROM logged_models WHERE experiment_id = :id AND lifecycle_stage = 'active'
