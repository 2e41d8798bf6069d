-- name: folders
SELECT folder, name FROM artifact_entries WHERE is_dir = 1

-- name: folders_with_entries
SELECT DISTINCT folder FROM artifact_entries WHERE folder <> ''

-- name: artifact_of
SELECT folder, name FROM artifact_entries WHERE digest = :digest ORDER BY folder, name LIMIT 1

-- name: version_of
SELECT v.name, v.version, f.path FROM model_version_files f JOIN model_versions v ON v.uid = f.uid
WHERE f.digest = :digest ORDER BY v.name, v.version LIMIT 1
