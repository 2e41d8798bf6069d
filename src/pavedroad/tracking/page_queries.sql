-- name: active_experiments
-- Those that take runs, the one changed last first.
SELECT id, name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY updated_ms DESC, id DESC

-- name: every_experiment
SELECT id, CASE lifecycle_stage WHEN 'active' THEN name ELSE name || ' (deleted)' END AS name FROM experiments
ORDER BY updated_ms DESC, id DESC

-- name: metric_keys
-- Every key from :start on: one step down the index for each, however many runs have it.
WITH RECURSIVE found (key) AS (
    SELECT MIN(key) FROM latest_metrics WHERE key >= :start
    UNION ALL
    SELECT (SELECT MIN(m.key) FROM latest_metrics m WHERE m.key > found.key) FROM found WHERE found.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL

-- name: has_metric_key
SELECT EXISTS (SELECT 1 FROM latest_metrics WHERE key = :key)

-- name: has_param_key
SELECT EXISTS (SELECT 1 FROM params WHERE key = :key)

-- name: has_tag_key
SELECT EXISTS (SELECT 1 FROM tags WHERE key = :key)

-- name: param_keys
WITH RECURSIVE found (key) AS (
    SELECT MIN(key) FROM params WHERE key >= :start
    UNION ALL
    SELECT (SELECT MIN(p.key) FROM params p WHERE p.key > found.key) FROM found WHERE found.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL

-- name: tag_keys
WITH RECURSIVE found (key) AS (
    SELECT MIN(key) FROM tags WHERE key >= :start
    UNION ALL
    SELECT (SELECT MIN(t.key) FROM tags t WHERE t.key > found.key) FROM found WHERE found.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL
