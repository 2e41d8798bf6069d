-- name: upsert_artifact
-- Make it known, or fill in what was empty; what a person set stays.
INSERT INTO artifacts (kind, name, version, owner, description, stage, tags, links, created_ms, updated_ms)
VALUES (:kind, :name, :version, :owner, :description, :stage, :tags, :links, :at_ms, :at_ms)
ON CONFLICT (kind, name, version) DO UPDATE SET
    owner = CASE WHEN artifacts.owner = '' THEN excluded.owner ELSE artifacts.owner END,
    description = CASE WHEN artifacts.description = '' THEN excluded.description ELSE artifacts.description END,
    updated_ms = excluded.updated_ms

-- name: artifact
SELECT * FROM artifacts WHERE kind = :kind AND name = :name AND version = :version

-- name: artifacts
SELECT * FROM artifacts
WHERE (:kind = '' OR kind = :kind) AND (:owner = '' OR owner = :owner) AND (:stage = '' OR stage = :stage)
  AND (:words = '' OR LOWER(name) LIKE :words OR LOWER(description) LIKE :words)
  AND (kind > :after_kind OR (kind = :after_kind AND (name > :after_name OR (name = :after_name AND version > :after_version))))
ORDER BY kind, name, version
LIMIT :limit

-- name: set_owner
UPDATE artifacts SET owner = :owner, updated_ms = :at_ms WHERE kind = :kind AND name = :name AND version = :version

-- name: set_stage
UPDATE artifacts SET stage = :stage, updated_ms = :at_ms WHERE kind = :kind AND name = :name AND version = :version

-- name: set_details
UPDATE artifacts SET description = :description, tags = :tags, links = :links, updated_ms = :at_ms
WHERE kind = :kind AND name = :name AND version = :version

-- name: insert_edge
INSERT INTO edges (source, verb, target, run_id, at_ms) VALUES (:source, :verb, :target, :run_id, :at_ms)
ON CONFLICT (source, verb, target, run_id) DO NOTHING

-- name: edges_of
SELECT source, verb, target, MAX(at_ms) AS at_ms, COUNT(*) AS times, MAX(run_id) AS run_id FROM edges
WHERE source = :artifact OR target = :artifact
GROUP BY source, verb, target ORDER BY at_ms DESC LIMIT :limit

-- name: edges_of_run
SELECT source, verb, target, at_ms, 1 AS times, run_id FROM edges WHERE run_id = :run_id ORDER BY source, verb, target

-- name: insert_fact
INSERT INTO facts (at_ms, who, verb, artifact, run_id, payload) VALUES (:at_ms, :who, :verb, :artifact, :run_id, :payload)

-- name: facts
-- Newest first; :before is the seq to go on from.
SELECT seq, at_ms, who, verb, artifact, run_id, payload FROM facts
WHERE (:verb = '' OR verb = :verb) AND (:who = '' OR who = :who) AND (:run_id = '' OR run_id = :run_id) AND seq < :before
ORDER BY seq DESC
LIMIT :limit

-- name: facts_of_artifact
-- Of an artifact and its versions, by index; :kind and :name are those of :artifact when it has no version.
SELECT seq, at_ms, who, verb, artifact, run_id, payload FROM facts
WHERE artifact IN (
    SELECT CAST(:artifact AS TEXT) UNION SELECT kind || '/' || name || '@' || version FROM artifacts WHERE kind = :kind AND name = :name
  )
  AND (:verb = '' OR verb = :verb) AND (:who = '' OR who = :who) AND (:run_id = '' OR run_id = :run_id) AND seq < :before
ORDER BY seq DESC
LIMIT :limit
