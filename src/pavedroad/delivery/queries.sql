-- name: insert_package
INSERT INTO packages
    (kind, name, version, project, commit_id, tree_digest, file, size_bytes, digest, stages, who, at_ms,
     duration_ms)
VALUES
    (:kind, :name, :version, :project, :commit_id, :tree_digest, :file, :size_bytes, :digest, :stages, :who,
     :at_ms, :duration_ms)
RETURNING id

-- name: packages
-- Newest first; :before is the id to go on from.
SELECT id, kind, name, version, project, commit_id, tree_digest, file, size_bytes, digest, stages, who, at_ms,
       duration_ms
FROM packages
WHERE (:name = '' OR name = :name OR project = :name) AND id < :before
ORDER BY id DESC LIMIT :limit
