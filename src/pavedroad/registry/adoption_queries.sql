-- name: adopt_model
INSERT INTO registered_models (name, description, created_ms, updated_ms)
VALUES (:name, :description, :created_ms, :updated_ms)
ON CONFLICT (name) DO NOTHING

-- name: add_model_tag
INSERT INTO registered_model_tags (name, key, value) VALUES (:name, :key, :value) ON CONFLICT (name, key) DO NOTHING

-- name: date_model
UPDATE registered_models SET updated_ms = :updated_ms WHERE name = :name

-- name: number_holder
-- Also of a version that was deleted: its number means it for ever.
SELECT uid FROM model_version_numbers WHERE name = :name AND version = :version

-- name: settle_version
UPDATE model_versions
SET description = :description, status = :status, stage = :stage, updated_ms = :updated_ms
WHERE uid = :uid
