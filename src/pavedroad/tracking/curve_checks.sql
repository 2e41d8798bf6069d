-- name: count_curves
SELECT COUNT(*) AS number FROM latest_metrics

-- name: curves_after
SELECT m.curve, r.id, m.key, m.points, m.min_value, m.max_value, m.value, m.is_nan, m.at_ms, m.step
FROM latest_metrics m JOIN runs r ON r.no = m.run_no WHERE m.curve > :after ORDER BY m.curve LIMIT :limit

-- name: set_summary
UPDATE latest_metrics SET points = :points, min_value = :min_value, max_value = :max_value, value = :value,
    is_nan = :is_nan, at_ms = :at_ms, step = :step
WHERE curve = :curve
