-- name: points_of_run
SELECT COALESCE(SUM(points), 0) AS number FROM latest_metrics WHERE run_no = :no

-- name: erase_params
DELETE FROM params WHERE run_no = :no

-- name: erase_tags
DELETE FROM tags WHERE run_no = :no

-- name: erase_points
DELETE FROM metrics WHERE curve IN (SELECT curve FROM latest_metrics WHERE run_no = :no)

-- name: erase_blocks
DELETE FROM metric_blocks WHERE curve IN (SELECT curve FROM latest_metrics WHERE run_no = :no)

-- name: erase_batches
DELETE FROM metric_batches WHERE run_no = :no

-- name: erase_curves
DELETE FROM latest_metrics WHERE run_no = :no

-- name: erase_input_tags
DELETE FROM run_input_tags WHERE input_no IN (SELECT no FROM run_inputs WHERE run_no = :no)

-- name: erase_inputs
DELETE FROM run_inputs WHERE run_no = :no

-- name: erase_run_models
DELETE FROM run_models WHERE run_no = :no

-- name: erase_measures_of_models
-- What the run measured of logged models of other runs.
DELETE FROM logged_model_metrics WHERE run_id = :id

-- name: erase_run
DELETE FROM runs WHERE no = :no

-- name: models_of_run
SELECT id, artifact_location FROM logged_models WHERE source_run_id = :id

-- name: models_of_experiment
SELECT id, artifact_location FROM logged_models WHERE experiment_id = :id

-- name: deleted_models
-- Logged models that were deleted alone, before a moment.
SELECT id, artifact_location, name, experiment_id FROM logged_models
WHERE lifecycle_stage = 'deleted' AND updated_ms < :before_ms ORDER BY id

-- name: erase_model_uses
DELETE FROM run_models WHERE model_id = :id

-- name: erase_model_params
DELETE FROM logged_model_params WHERE model_id = :id

-- name: erase_model_tags
DELETE FROM logged_model_tags WHERE model_id = :id

-- name: erase_model_metrics
DELETE FROM logged_model_metrics WHERE model_id = :id

-- name: erase_model
DELETE FROM logged_models WHERE id = :id

-- name: erase_unused_datasets
DELETE FROM datasets WHERE experiment_id = :id
    AND NOT EXISTS (SELECT 1 FROM run_inputs i WHERE i.dataset_no = datasets.no)

-- name: runs_of_experiment
SELECT id FROM runs WHERE experiment_id = :id ORDER BY no LIMIT :limit

-- name: erase_experiment_tags
DELETE FROM experiment_tags WHERE experiment_id = :id

-- name: erase_experiment
DELETE FROM experiments WHERE id = :id

-- name: deleted_runs
-- Runs deleted before a moment, those of deleted experiments included, oldest first.
SELECT id FROM runs WHERE lifecycle_stage = 'deleted' AND deleted_ms < :before_ms ORDER BY deleted_ms, no

-- name: deleted_experiments
SELECT id, name FROM experiments WHERE lifecycle_stage = 'deleted' AND updated_ms < :before_ms AND id <> 0 ORDER BY id
