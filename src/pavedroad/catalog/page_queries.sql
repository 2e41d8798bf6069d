-- name: listed
-- One row per artifact, its versions counted; what it says of itself is said by the row without version.
-- In order of kind and name, from after (:after_kind, :after_name) on.
SELECT kind, name,
    MAX(CASE WHEN version = '' THEN owner ELSE '' END) AS owner,
    MAX(CASE WHEN version = '' THEN description ELSE '' END) AS description,
    MAX(CASE WHEN version = '' THEN stage ELSE '' END) AS stage,
    SUM(CASE WHEN version = '' THEN 0 ELSE 1 END) AS versions,
    MAX(updated_ms) AS updated_ms
FROM artifacts
WHERE (:kind = '' OR kind = :kind)
  AND (:words = '' OR LOWER(name) LIKE :words ESCAPE '!' OR LOWER(description) LIKE :words ESCAPE '!')
  AND (kind > :after_kind OR (kind = :after_kind AND name > :after_name))
GROUP BY kind, name
HAVING (:stage = '' OR MAX(CASE WHEN stage = :stage THEN 1 ELSE 0 END) = 1)
  AND (:owner = '' OR MAX(CASE WHEN version = '' THEN owner ELSE '' END) = :owner
       OR (:owner = 'nobody' AND MAX(CASE WHEN version = '' THEN owner ELSE '' END) = ''))
ORDER BY kind, name
LIMIT :limit

-- name: kinds
SELECT kind, COUNT(*) AS number FROM (SELECT DISTINCT kind, name FROM artifacts) AS named GROUP BY kind ORDER BY kind

-- name: owners
SELECT DISTINCT owner FROM artifacts WHERE owner <> '' ORDER BY owner LIMIT 200

-- name: versions
-- Of one artifact, the newest first.
SELECT * FROM artifacts WHERE kind = :kind AND name = :name AND version <> ''
ORDER BY created_ms DESC, version DESC LIMIT :limit

-- name: version_names
SELECT version FROM artifacts WHERE kind = :kind AND name = :name ORDER BY created_ms DESC, version DESC LIMIT :limit

-- name: count_versions
SELECT COUNT(*) FROM artifacts WHERE kind = :kind AND name = :name AND version <> ''

-- name: out_of
-- What this one points at, newest first: `:artifact verb target`.
SELECT source, verb, target, run_id, at_ms FROM edges
WHERE source = :artifact AND verb = :verb AND (:run_id = '' OR run_id = :run_id) ORDER BY at_ms DESC, target LIMIT :limit

-- name: into
-- What points at this one, newest first: `source verb :artifact`.
SELECT source, verb, target, run_id, at_ms FROM edges
WHERE target = :artifact AND verb = :verb ORDER BY at_ms DESC, source LIMIT :limit

-- name: verbs
-- Of the last facts: reading all of a long journal for a list of choices would be slow.
SELECT DISTINCT verb FROM (SELECT verb FROM facts ORDER BY seq DESC LIMIT 2000) AS lately ORDER BY verb

-- name: people
SELECT DISTINCT who FROM (SELECT who FROM facts ORDER BY seq DESC LIMIT 2000) AS lately ORDER BY who
