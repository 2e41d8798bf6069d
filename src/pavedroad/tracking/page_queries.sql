-- name: active_experiments
-- Those that take runs, the one changed last first.
SELECT id, name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY updated_ms DESC, id DESC

-- name: every_experiment
SELECT id, CASE lifecycle_stage WHEN 'active' THEN name ELSE name || ' (deleted)' END AS name FROM experiments
ORDER BY updated_ms DESC, id DESC

-- name: curves_with_points
-- Of one run, the curves that have a second point.
SELECT l.key, l.curve FROM latest_metrics l JOIN runs r ON r.no = l.run_no
WHERE r.id = :run_id
  AND EXISTS (SELECT 1 FROM metrics m WHERE m.curve = l.curve AND (m.step <> l.step OR m.at_ms <> l.at_ms))
ORDER BY l.key

-- name: points_in_time
SELECT at_ms, step, value, is_nan FROM metrics WHERE curve = :curve ORDER BY at_ms, step, value LIMIT :limit

-- name: number_of_points
SELECT COUNT(*) FROM metrics WHERE curve = :curve

-- name: points_at_stride
-- Every :stride-th point and the last one.
SELECT at_ms, step, value, is_nan FROM (
    SELECT at_ms, step, value, is_nan, ROW_NUMBER() OVER (ORDER BY at_ms, step, value) - 1 AS place
    FROM metrics WHERE curve = :curve
) AS numbered
WHERE place % :stride = 0 OR place = :last
ORDER BY place

-- name: metric_keys
-- Every key from :start on: one step down the index for each, however many runs have it.
WITH RECURSIVE found (key) AS (
    SELECT MIN(key) FROM latest_metrics WHERE key >= :start
    UNION ALL
    SELECT (SELECT MIN(m.key) FROM latest_metrics m WHERE m.key > found.key) FROM found WHERE found.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL

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
