-- name: insert_pipeline_run
INSERT INTO pipeline_runs (run_id, project, pipeline, target, status, graph, environment, host, boot, pid, process_started,
    started_ms, heartbeat_ms)
VALUES (:run_id, :project, :pipeline, :target, 'RUNNING', :graph, '', :host, :boot, :pid, :process_started,
    :started_ms, :started_ms)

-- name: finish_pipeline_run
UPDATE pipeline_runs SET status = :status, heartbeat_ms = :at_ms WHERE run_id = :run_id

-- name: set_environment
UPDATE pipeline_runs SET environment = :environment WHERE run_id = :run_id

-- name: beat
UPDATE pipeline_runs SET heartbeat_ms = :at_ms, status = 'RUNNING' WHERE run_id = :run_id AND status IN ('RUNNING', 'LOST')

-- name: status_and_beat
SELECT status, heartbeat_ms FROM pipeline_runs WHERE run_id = :run_id

-- name: forget_error
-- What was said of a run that is alive after all.
DELETE FROM tags WHERE key = 'paved.error' AND run_no = (SELECT no FROM runs WHERE id = :run_id)

-- name: mark_lost
UPDATE pipeline_runs SET status = 'LOST' WHERE run_id = :run_id AND status = 'RUNNING'

-- name: pipeline_run
SELECT * FROM pipeline_runs WHERE run_id = :run_id

-- name: pipeline_runs_newest
SELECT * FROM pipeline_runs
WHERE (:project = '' OR project = :project) AND (:pipeline = '' OR pipeline = :pipeline)
ORDER BY started_ms DESC, run_id LIMIT :limit

-- name: running
SELECT * FROM pipeline_runs WHERE status = 'RUNNING'

-- name: upsert_step_run
INSERT INTO step_runs (run_id, step, node, position, step_run_id, function, cache_key, verdict, status, started_ms, ended_ms,
    attempts, peak_memory_bytes, code, inputs, output, cached_from, because)
VALUES (:run_id, :step, :node, :position, :step_run_id, :function, :cache_key, :verdict, :status, :started_ms, :ended_ms,
    :attempts, :peak_memory_bytes, :code, :inputs, :output, :cached_from, :because)
ON CONFLICT (run_id, step) DO UPDATE SET
    step_run_id = excluded.step_run_id, cache_key = excluded.cache_key, verdict = excluded.verdict, status = excluded.status,
    started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, attempts = excluded.attempts,
    peak_memory_bytes = excluded.peak_memory_bytes, code = excluded.code, inputs = excluded.inputs, output = excluded.output,
    cached_from = excluded.cached_from, because = excluded.because

-- name: running_inside
-- The step runs of a run that have not ended; their rows in step_runs come when they have.
SELECT r.id FROM tags t JOIN runs r ON r.no = t.run_no
WHERE t.key = 'mlflow.parentRunId' AND t.value = :run_id AND r.experiment_id = :experiment_id AND r.status = 'RUNNING'
    AND r.heartbeat_ms IS NOT NULL
ORDER BY r.id

-- name: steps_of_run
SELECT * FROM step_runs WHERE run_id = :run_id ORDER BY position, step

-- name: step_of_run
SELECT * FROM step_runs WHERE run_id = :run_id AND step = :step

-- name: step_by_step_run
SELECT * FROM step_runs WHERE step_run_id = :step_run_id

-- name: earlier_calls
-- The calls of a step's function that gave a result before a moment, newest first.
SELECT run_id, step, step_run_id, cache_key, verdict, started_ms, code, inputs, output FROM step_runs
WHERE function = :function AND started_ms < :before_ms AND status = 'FINISHED' AND cache_key <> '' AND run_id <> :run_id
ORDER BY started_ms DESC, position DESC LIMIT :limit

-- name: cache_entry
SELECT * FROM cache_entries WHERE cache_key = :cache_key

-- name: upsert_cache_entry
-- The newest result of a key counts: an older one may have lost its files.
INSERT INTO cache_entries (cache_key, function, step, run_id, step_run_id, created_ms, duration_ms, output, metrics, params,
    models)
VALUES (:cache_key, :function, :step, :run_id, :step_run_id, :created_ms, :duration_ms, :output, :metrics, :params,
    :models)
ON CONFLICT (cache_key) DO UPDATE SET
    step = excluded.step, run_id = excluded.run_id, step_run_id = excluded.step_run_id, created_ms = excluded.created_ms,
    duration_ms = excluded.duration_ms, output = excluded.output, metrics = excluded.metrics, params = excluded.params,
    models = excluded.models

-- name: delete_cache_entry
DELETE FROM cache_entries WHERE cache_key = :cache_key AND step_run_id = :step_run_id

-- name: insert_code_parts
INSERT INTO code_parts (digest, parts, shown) VALUES (:digest, :parts, :shown) ON CONFLICT (digest) DO NOTHING

-- name: code_parts
SELECT parts, shown FROM code_parts WHERE digest = :digest

-- name: insert_environment
INSERT INTO environments (digest, description, first_seen_ms) VALUES (:digest, :description, :at_ms)
ON CONFLICT (digest) DO NOTHING

-- name: environment
SELECT description FROM environments WHERE digest = :digest

-- name: insert_project_snapshot
INSERT INTO project_snapshots (project, at_ms, run_id, root, manifest_json)
VALUES (:project, :at_ms, :run_id, :root, :manifest_json)
ON CONFLICT (project, run_id) DO NOTHING

-- name: latest_project
SELECT project, at_ms, run_id, root, manifest_json FROM project_snapshots
WHERE project = :project ORDER BY at_ms DESC LIMIT 1

-- name: project_of_run
SELECT project, at_ms, run_id, root, manifest_json FROM project_snapshots WHERE run_id = :run_id
