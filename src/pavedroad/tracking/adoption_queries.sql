-- name: adopt_experiment
INSERT INTO experiments (id, name, artifact_location, lifecycle_stage, created_ms, updated_ms)
VALUES (:id, :name, :artifact_location, :lifecycle_stage, :created_ms, :updated_ms)

-- name: adopt_experiment_anew
-- Under the next free id.
INSERT INTO experiments (name, artifact_location, lifecycle_stage, created_ms, updated_ms)
VALUES (:name, '', :lifecycle_stage, :created_ms, :updated_ms)
RETURNING id

-- name: date_experiment
UPDATE experiments SET created_ms = :created_ms, updated_ms = :updated_ms WHERE id = :id

-- name: restage_experiment
UPDATE experiments SET name = :name, lifecycle_stage = :lifecycle_stage, updated_ms = :updated_ms WHERE id = :id

-- name: add_experiment_tag
INSERT INTO experiment_tags (experiment_id, key, value) VALUES (:id, :key, :value)
ON CONFLICT (experiment_id, key) DO NOTHING

-- name: adopt_run
INSERT INTO runs (id, experiment_id, name, user_id, status, start_ms, end_ms, lifecycle_stage, deleted_ms, artifact_uri)
VALUES (:id, :experiment_id, :name, :user_id, :status, :start_ms, :end_ms, :lifecycle_stage, :deleted_ms, :artifact_uri)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, user_id = excluded.user_id, status = excluded.status, start_ms = excluded.start_ms,
    end_ms = excluded.end_ms, lifecycle_stage = excluded.lifecycle_stage, deleted_ms = excluded.deleted_ms
RETURNING no

-- name: adopt_param
INSERT INTO params (run_no, key, value) VALUES (:no, :key, :value)
ON CONFLICT (run_no, key) DO UPDATE SET value = excluded.value

-- name: run_input
SELECT no FROM run_inputs WHERE run_no = :no AND dataset_no = :dataset_no

-- name: adopt_logged_model
INSERT INTO logged_models (id, experiment_id, name, artifact_location, status, status_message, model_type, source_run_id,
                           lifecycle_stage, created_ms, updated_ms)
VALUES (:id, :experiment_id, :name, :artifact_location, :status, :status_message, :model_type, :source_run_id,
        :lifecycle_stage, :created_ms, :updated_ms)
ON CONFLICT (id) DO UPDATE
SET status = excluded.status, status_message = excluded.status_message, lifecycle_stage = excluded.lifecycle_stage,
    updated_ms = excluded.updated_ms

-- name: known_run_ids
SELECT id FROM runs WHERE experiment_id = :experiment_id

-- name: known_model_ids
SELECT id FROM logged_models WHERE experiment_id = :experiment_id

-- name: adopt_model_point
INSERT INTO logged_model_metrics (model_id, run_id, key, at_ms, step, value, is_nan, dataset_name, dataset_digest)
VALUES (:model_id, :run_id, :key, :at_ms, :step, :value, :is_nan, :dataset_name, :dataset_digest)
ON CONFLICT (model_id, run_id, key, at_ms, step, value, is_nan) DO NOTHING
