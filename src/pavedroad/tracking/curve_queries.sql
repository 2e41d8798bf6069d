-- name: summaries
-- Every metric of one run.
SELECT l.key, l.value, l.is_nan, l.step, l.points, l.min_value, l.max_value
FROM latest_metrics l JOIN runs r ON r.no = l.run_no
WHERE r.id = :run_id ORDER BY l.key

-- name: summary
SELECT l.key, l.value, l.is_nan, l.step, l.points, l.min_value, l.max_value
FROM latest_metrics l JOIN runs r ON r.no = l.run_no
WHERE r.id = :run_id AND l.key = :key
