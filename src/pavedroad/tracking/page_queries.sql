-- name: experiments
-- Those that take runs, the one changed last first.
SELECT id, name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY updated_ms DESC, id DESC LIMIT :limit

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
