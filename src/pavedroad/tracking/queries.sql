-- name: insert_experiment
INSERT INTO experiments (name, artifact_location, lifecycle_stage, created_ms, updated_ms)
VALUES (:name, :artifact_location, 'active', :at_ms, :at_ms)
ON CONFLICT (name) WHERE lifecycle_stage = 'active' DO NOTHING
RETURNING id

-- name: set_artifact_location
UPDATE experiments SET artifact_location = :artifact_location WHERE id = :id

-- name: experiment
SELECT * FROM experiments WHERE id = :id

-- name: experiment_by_name
-- The active one of this name, else the one deleted last.
SELECT * FROM experiments WHERE name = :name ORDER BY lifecycle_stage, updated_ms DESC, id DESC LIMIT 1

-- name: active_experiment_by_name
SELECT * FROM experiments WHERE name = :name AND lifecycle_stage = 'active'

-- name: rename_experiment
UPDATE experiments SET name = :name, updated_ms = :at_ms WHERE id = :id

-- name: set_experiment_stage
UPDATE experiments SET lifecycle_stage = :stage, updated_ms = :at_ms WHERE id = :id

-- name: set_stage_of_runs
UPDATE runs SET lifecycle_stage = :stage, deleted_ms = :deleted_ms WHERE experiment_id = :id

-- name: experiment_tags
SELECT key, value FROM experiment_tags WHERE experiment_id = :id ORDER BY key

-- name: upsert_experiment_tag
INSERT INTO experiment_tags (experiment_id, key, value) VALUES (:id, :key, :value)
ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value

-- name: delete_experiment_tag
DELETE FROM experiment_tags WHERE experiment_id = :id AND key = :key

-- name: insert_run
INSERT INTO runs (id, experiment_id, name, user_id, status, start_ms, end_ms, lifecycle_stage, deleted_ms, artifact_uri)
VALUES (:id, :experiment_id, :name, :user_id, :status, :start_ms, NULL, 'active', NULL, :artifact_uri)
RETURNING no

-- name: run
SELECT * FROM runs WHERE id = :id

-- name: run_number
SELECT no, experiment_id, lifecycle_stage FROM runs WHERE id = :id

-- name: runs_by_prefix
SELECT id FROM runs WHERE id LIKE :prefix ORDER BY id LIMIT 2

-- name: set_run_status
UPDATE runs SET status = :status WHERE no = :no

-- name: set_run_end
UPDATE runs SET end_ms = :end_ms WHERE no = :no

-- name: set_run_name
UPDATE runs SET name = :name WHERE no = :no

-- name: set_run_stage
UPDATE runs SET lifecycle_stage = :stage, deleted_ms = :deleted_ms WHERE no = :no

-- name: count_runs
SELECT COUNT(*) AS number FROM runs WHERE experiment_id = :experiment_id AND lifecycle_stage = :stage

-- name: params
SELECT key, value FROM params WHERE run_no = :no ORDER BY key

-- name: param
SELECT value FROM params WHERE run_no = :no AND key = :key

-- name: insert_param
INSERT INTO params (run_no, key, value) VALUES (:no, :key, :value) ON CONFLICT (run_no, key) DO NOTHING

-- name: tags
SELECT key, value FROM tags WHERE run_no = :no ORDER BY key

-- name: upsert_tag
INSERT INTO tags (run_no, key, value) VALUES (:no, :key, :value)
ON CONFLICT (run_no, key) DO UPDATE SET value = excluded.value

-- name: delete_tag
DELETE FROM tags WHERE run_no = :no AND key = :key

-- name: latest_metrics
SELECT key, value, is_nan, at_ms, step FROM latest_metrics WHERE run_no = :no ORDER BY key

-- name: insert_dataset
INSERT INTO datasets (experiment_id, name, digest, source_type, source, schema, profile)
VALUES (:experiment_id, :name, :digest, :source_type, :source, :schema, :profile)
ON CONFLICT (experiment_id, name, digest) DO NOTHING

-- name: dataset
SELECT no FROM datasets WHERE experiment_id = :experiment_id AND name = :name AND digest = :digest

-- name: insert_run_input
INSERT INTO run_inputs (run_no, dataset_no) VALUES (:no, :dataset_no)
ON CONFLICT (run_no, dataset_no) DO NOTHING
RETURNING no

-- name: upsert_run_input_tag
INSERT INTO run_input_tags (input_no, key, value) VALUES (:input_no, :key, :value)
ON CONFLICT (input_no, key) DO UPDATE SET value = excluded.value

-- name: dataset_summaries
SELECT DISTINCT d.name, d.digest, t.value AS context
FROM datasets d
JOIN run_inputs i ON i.dataset_no = d.no
LEFT JOIN run_input_tags t ON t.input_no = i.no AND t.key = 'mlflow.data.context'
WHERE d.experiment_id = :experiment_id
ORDER BY d.name, d.digest, t.value LIMIT :limit

-- name: insert_run_model
INSERT INTO run_models (run_no, direction, model_id, step) VALUES (:no, :direction, :model_id, :step)
ON CONFLICT (run_no, direction, model_id, step) DO NOTHING

-- name: insert_logged_model
INSERT INTO logged_models (id, experiment_id, name, artifact_location, status, status_message, model_type, source_run_id,
                           lifecycle_stage, created_ms, updated_ms)
VALUES (:id, :experiment_id, :name, :artifact_location, 'PENDING', '', :model_type, :source_run_id,
        'active', :at_ms, :at_ms)

-- name: logged_model
SELECT * FROM logged_models WHERE id = :id

-- name: logged_models_of_run
SELECT * FROM logged_models WHERE source_run_id = :run_id AND lifecycle_stage = 'active' ORDER BY created_ms, id

-- name: set_logged_model_status
UPDATE logged_models SET status = :status, status_message = :status_message, updated_ms = :at_ms WHERE id = :id

-- name: set_logged_model_stage
UPDATE logged_models SET lifecycle_stage = :stage, updated_ms = :at_ms WHERE id = :id

-- name: insert_logged_model_param
INSERT INTO logged_model_params (model_id, key, value) VALUES (:id, :key, :value) ON CONFLICT (model_id, key) DO NOTHING

-- name: logged_model_param
SELECT value FROM logged_model_params WHERE model_id = :id AND key = :key

-- name: upsert_logged_model_tag
INSERT INTO logged_model_tags (model_id, key, value) VALUES (:id, :key, :value)
ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value

-- name: delete_logged_model_tag
DELETE FROM logged_model_tags WHERE model_id = :id AND key = :key

-- name: upsert_file
INSERT INTO artifact_entries (folder, name, is_dir, digest, size_bytes, at_ms)
VALUES (:folder, :name, 0, :digest, :size_bytes, :at_ms)
ON CONFLICT (folder, name) DO UPDATE
SET digest = excluded.digest, size_bytes = excluded.size_bytes, at_ms = excluded.at_ms
WHERE artifact_entries.is_dir = 0

-- name: insert_folder
INSERT INTO artifact_entries (folder, name, is_dir, digest, size_bytes, at_ms)
VALUES (:folder, :name, 1, '', 0, :at_ms)
ON CONFLICT (folder, name) DO NOTHING

-- name: entry
SELECT is_dir, digest, size_bytes FROM artifact_entries WHERE folder = :folder AND name = :name

-- name: entries
SELECT name, is_dir, digest, size_bytes FROM artifact_entries WHERE folder = :folder ORDER BY name

-- name: delete_entry
DELETE FROM artifact_entries WHERE folder = :folder AND name = :name
