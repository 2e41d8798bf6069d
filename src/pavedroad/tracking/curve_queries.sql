-- name: summaries
-- Every metric of one run.
SELECT l.key, l.value, l.is_nan, l.step,
    (SELECT COUNT(*) FROM metrics m WHERE m.curve = l.curve) AS points,
    (SELECT MIN(value) FROM metrics m WHERE m.curve = l.curve AND m.is_nan = 0) AS min_value,
    (SELECT MAX(value) FROM metrics m WHERE m.curve = l.curve AND m.is_nan = 0) AS max_value
FROM latest_metrics l JOIN runs r ON r.no = l.run_no
WHERE r.id = :run_id ORDER BY l.key

-- name: summary
SELECT l.key, l.value, l.is_nan, l.step,
    (SELECT COUNT(*) FROM metrics m WHERE m.curve = l.curve) AS points,
    (SELECT MIN(value) FROM metrics m WHERE m.curve = l.curve AND m.is_nan = 0) AS min_value,
    (SELECT MAX(value) FROM metrics m WHERE m.curve = l.curve AND m.is_nan = 0) AS max_value
FROM latest_metrics l JOIN runs r ON r.no = l.run_no
WHERE r.id = :run_id AND l.key = :key
