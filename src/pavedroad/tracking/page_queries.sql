-- name: active_experiments
-- Those that take runs, the one changed last first.
SELECT id, name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY updated_ms DESC, id DESC

-- name: every_experiment
SELECT id, CASE lifecycle_stage WHEN 'active' THEN name ELSE name || ' (deleted)' END AS name FROM experiments
ORDER BY updated_ms DESC, id DESC

-- name: metric_keys
-- Every key: one step down the index for each, however many runs have it.
WITH RECURSIVE found (key) AS (
    SELECT MIN(key) FROM latest_metrics
    UNION ALL
    SELECT (SELECT MIN(m.key) FROM latest_metrics m WHERE m.key > found.key) FROM found WHERE found.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL

-- name: has_metric_key
SELECT EXISTS (SELECT 1 FROM latest_metrics WHERE key = :key)

-- name: has_param_key
SELECT EXISTS (SELECT 1 FROM params WHERE key = :key AND length(value) <= 200)
    OR EXISTS (SELECT 1 FROM params WHERE key = :key AND length(value) > 200) AS is_there

-- name: has_tag_key
SELECT EXISTS (SELECT 1 FROM tags WHERE key = :key AND length(value) <= 200)
    OR EXISTS (SELECT 1 FROM tags WHERE key = :key AND length(value) > 200) AS is_there

-- name: param_keys
-- As `metric_keys`; short and long values have an index each.
WITH RECURSIVE short (key) AS (
    SELECT MIN(key) FROM params WHERE length(value) <= 200
    UNION ALL
    SELECT (SELECT MIN(v.key) FROM params v WHERE length(v.value) <= 200 AND v.key > short.key)
    FROM short WHERE short.key IS NOT NULL
),
long (key) AS (
    SELECT MIN(key) FROM params WHERE length(value) > 200
    UNION ALL
    SELECT (SELECT MIN(v.key) FROM params v WHERE length(v.value) > 200 AND v.key > long.key)
    FROM long WHERE long.key IS NOT NULL
)
SELECT key FROM short WHERE key IS NOT NULL UNION SELECT key FROM long WHERE key IS NOT NULL ORDER BY key

-- name: tag_keys
-- As `param_keys`.
WITH RECURSIVE short (key) AS (
    SELECT MIN(key) FROM tags WHERE length(value) <= 200
    UNION ALL
    SELECT (SELECT MIN(v.key) FROM tags v WHERE length(v.value) <= 200 AND v.key > short.key)
    FROM short WHERE short.key IS NOT NULL
),
long (key) AS (
    SELECT MIN(key) FROM tags WHERE length(value) > 200
    UNION ALL
    SELECT (SELECT MIN(v.key) FROM tags v WHERE length(v.value) > 200 AND v.key > long.key)
    FROM long WHERE long.key IS NOT NULL
)
SELECT key FROM short WHERE key IS NOT NULL UNION SELECT key FROM long WHERE key IS NOT NULL ORDER BY key

-- name: param_values
-- Some of the values of one key; long ones are left out.
SELECT DISTINCT value FROM params WHERE key = :key AND length(value) <= 200 ORDER BY value LIMIT :most

-- name: tag_values
-- Some of the values of one key; long ones are left out.
SELECT DISTINCT value FROM tags WHERE key = :key AND length(value) <= 200 ORDER BY value LIMIT :most
