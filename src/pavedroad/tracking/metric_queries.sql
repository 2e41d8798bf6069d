-- name: curve
SELECT curve, run_no, key, value, is_nan, at_ms, step, points,
    min_value, max_value, loose, high_ms, high_step, high_value
FROM latest_metrics WHERE run_no = :no AND key = :key

-- name: curves
SELECT curve, run_no, key, value, is_nan, at_ms, step, points,
    min_value, max_value, loose, high_ms, high_step, high_value
FROM latest_metrics WHERE run_no = :no ORDER BY key

-- name: curve_of_run
SELECT m.curve FROM latest_metrics m JOIN runs r ON r.no = m.run_no WHERE r.id = :id AND m.key = :key

-- name: insert_curve
INSERT INTO latest_metrics (run_no, key, value, is_nan, at_ms, step, points) VALUES (:run_no, :key, 0, 1, 0, 0, 0)
ON CONFLICT (run_no, key) DO NOTHING

-- name: advance_curve
UPDATE latest_metrics
SET value = :value, is_nan = :is_nan, at_ms = :at_ms, step = :step,
    points = :points, min_value = :min_value, max_value = :max_value,
    loose = :loose, high_ms = :high_ms, high_step = :high_step, high_value = :high_value
WHERE curve = :curve

-- name: extend_curve
-- By one number that lies after all of its points.
UPDATE latest_metrics
SET value = :value, is_nan = 0, at_ms = :at_ms, step = :step, points = points + 1, loose = loose + 1,
    min_value = CASE WHEN min_value <= :value THEN min_value ELSE :value END,
    max_value = CASE WHEN max_value >= :value THEN max_value ELSE :value END,
    high_ms = :at_ms, high_step = :step, high_value = :value
WHERE curve = :curve

-- name: extend_known_curve
-- As `extend_curve`, if the curve is the one it is taken for and the number does lie after all of its points.
UPDATE latest_metrics
SET value = :value, is_nan = 0, at_ms = :at_ms, step = :step, points = points + 1, loose = loose + 1,
    min_value = CASE WHEN min_value <= :value THEN min_value ELSE :value END,
    max_value = CASE WHEN max_value >= :value THEN max_value ELSE :value END,
    high_ms = :at_ms, high_step = :step, high_value = :value
WHERE curve = :curve AND run_no = :run_no AND key = :key
  AND points > 0 AND step < :step AND (high_ms, high_step, high_value) < (:at_ms, :step, :value)

-- name: full_curves
SELECT curve FROM latest_metrics WHERE run_no = :run_no AND loose >= :loose

-- name: set_loose
UPDATE latest_metrics SET loose = :loose WHERE curve = :curve

-- name: insert_point
INSERT INTO metrics (curve, at_ms, step, value, is_nan) VALUES (:curve, :at_ms, :step, :value, :is_nan)
ON CONFLICT (curve, at_ms, step, value, is_nan) DO NOTHING

-- name: loose_points
SELECT at_ms, step, value, is_nan FROM metrics WHERE curve = :curve

-- name: loose_points_between
SELECT at_ms, step, value, is_nan FROM metrics
WHERE curve = :curve
  AND (at_ms, step, value) >= (:first_ms, :first_step, :first_value)
  AND (at_ms, step, value) <= (:last_ms, :last_step, :last_value)

-- name: delete_loose_points
DELETE FROM metrics WHERE curve = :curve

-- name: insert_block
INSERT INTO metric_blocks (curve, is_loose, points, first_ms, first_step, first_value, last_ms, last_step, last_value, payload)
VALUES (:curve, :is_loose, :points, :first_ms, :first_step, :first_value, :last_ms, :last_step, :last_value, :payload)

-- name: blocks_between
-- Blocks that may hold points between two places.
SELECT payload FROM metric_blocks
WHERE curve = :curve AND last_ms >= :first_ms
  AND (last_ms, last_step, last_value) >= (:first_ms, :first_step, :first_value)
  AND (first_ms, first_step, first_value) <= (:last_ms, :last_step, :last_value)

-- name: packed_blocks
SELECT no, points, first_ms, first_step, first_value, last_ms, last_step, last_value FROM metric_blocks
WHERE curve = :curve AND is_loose = 0 ORDER BY first_ms, first_step, first_value

-- name: payload
SELECT payload FROM metric_blocks WHERE no = :no

-- name: loose_payloads
SELECT payload FROM metric_blocks WHERE curve = :curve AND is_loose = 1

-- name: delete_block
DELETE FROM metric_blocks WHERE no = :no

-- name: delete_loose_blocks
DELETE FROM metric_blocks WHERE curve = :curve AND is_loose = 1

-- name: pieces
-- All that makes up a curve, in one statement: between two, points may be packed. Of the packed blocks, only those
-- that may hold points between two places in the order of time bring their payload.
SELECT c.is_loose, c.points, c.first_ms, c.first_step, c.first_value, 0 AS is_nan, p.payload
FROM (
    SELECT b.no, b.is_loose, b.points, b.first_ms, b.first_step, b.first_value, l.loose,
        SUM(CASE WHEN b.is_loose = 1 THEN 0 ELSE b.points END)
            OVER (ORDER BY b.first_ms, b.first_step, b.first_value, b.no) AS points_to
    FROM metric_blocks b JOIN latest_metrics l ON l.curve = b.curve WHERE b.curve = :curve
) AS c
LEFT JOIN metric_blocks p ON p.no = c.no
    AND (c.is_loose = 1 OR (c.points_to > :offset - c.loose AND c.points_to - c.points < :until))
UNION ALL
SELECT 1, 1, at_ms, step, value, is_nan, NULL FROM metrics WHERE curve = :curve
UNION ALL
SELECT 2, 0, 0, 0, 0, 0, payload FROM metric_batches
WHERE run_no = (SELECT run_no FROM latest_metrics WHERE curve = :curve)

-- name: insert_batch
INSERT INTO metric_batches (run_no, payload) VALUES (:run_no, :payload)

-- name: count_batches
SELECT COUNT(*) AS number FROM metric_batches WHERE run_no = :run_no

-- name: batches
-- Those of the run that a curve is of.
SELECT no, payload FROM metric_batches
WHERE run_no = (SELECT run_no FROM latest_metrics WHERE curve = :curve) ORDER BY no

-- name: delete_batch
DELETE FROM metric_batches WHERE no = :no

-- name: insert_logged_model_metric
INSERT INTO logged_model_metrics (model_id, run_id, key, at_ms, step, value, is_nan, dataset_name, dataset_digest)
VALUES (:model_id, :run_id, :key, :at_ms, :step, :value, :is_nan, :dataset_name, :dataset_digest)
ON CONFLICT (model_id, run_id, key, at_ms, step, value, is_nan) DO NOTHING
