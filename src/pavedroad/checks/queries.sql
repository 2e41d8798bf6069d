-- name: insert_report
INSERT INTO check_reports
    (project, profile, commit_id, tree_digest, errors, warnings, notes, waived, report, at_ms, who)
VALUES
    (:project, :profile, :commit_id, :tree_digest, :errors, :warnings, :notes, :waived, :report, :at_ms, :who)

-- name: latest_report
SELECT report, who FROM check_reports
WHERE project = :project AND (:profile = '' OR profile = :profile)
  AND (:tree_digest = '' OR tree_digest = :tree_digest)
ORDER BY id DESC LIMIT 1

-- name: reports
-- Newest first, without the findings; :before is the id to go on from.
SELECT id, project, profile, commit_id, tree_digest, errors, warnings, notes, waived, at_ms, who
FROM check_reports
WHERE (:project = '' OR project = :project) AND id < :before
ORDER BY id DESC LIMIT :limit
