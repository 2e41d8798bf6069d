-- name: artifact_files
SELECT folder, name, digest, size_bytes FROM artifact_entries WHERE is_dir = 0

-- name: version_files
SELECT digest, size_bytes FROM model_version_files

-- name: is_artifact
SELECT 1 AS found FROM artifact_entries WHERE digest = :digest LIMIT 1
