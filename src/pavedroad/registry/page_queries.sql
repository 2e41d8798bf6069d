-- name: models_listed
-- In order of name, from after :after on.
SELECT m.name, m.description, m.updated_ms,
    (SELECT COUNT(*) FROM model_versions v WHERE v.name = m.name) AS versions,
    (SELECT MAX(v.version) FROM model_versions v WHERE v.name = m.name) AS latest,
    (SELECT a.owner FROM artifacts a WHERE a.kind = 'model' AND a.name = m.name AND a.version = '') AS owner
FROM registered_models m
WHERE m.name > :after
  AND (:words = '' OR LOWER(m.name) LIKE :words ESCAPE '!' OR LOWER(m.description) LIKE :words ESCAPE '!')
ORDER BY m.name LIMIT :limit

-- name: aliases_between
-- Of the models from :first to :last in order of name.
SELECT a.name, a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.uid = a.uid
WHERE a.name >= :first AND a.name <= :last ORDER BY a.name, a.alias

-- name: asked_between
-- What the gates said last about the newest version of each of these models.
SELECT v.name, v.version, e.passed, e.alias, e.at_ms,
    (SELECT COUNT(*) FROM gate_evidence g WHERE g.evaluation_id = e.id AND g.verdict IN ('closed', 'unknown')) AS closed,
    (SELECT COUNT(*) FROM gate_evidence g WHERE g.evaluation_id = e.id AND g.verdict = 'exempt') AS exempt
FROM model_versions v JOIN gate_evaluations e ON e.uid = v.uid
WHERE v.name >= :first AND v.name <= :last
  AND v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.name = v.name)
  AND e.id = (SELECT MAX(f.id) FROM gate_evaluations f WHERE f.uid = v.uid)

-- name: asked_of_model
-- What the gates said last about each version of one model.
SELECT v.version, e.id, e.passed, e.alias, e.at_ms, e.who,
    (SELECT COUNT(*) FROM gate_evidence g WHERE g.evaluation_id = e.id) AS asked,
    (SELECT COUNT(*) FROM gate_evidence g WHERE g.evaluation_id = e.id AND g.verdict IN ('closed', 'unknown')) AS closed,
    (SELECT COUNT(*) FROM gate_evidence g WHERE g.evaluation_id = e.id AND g.verdict = 'exempt') AS exempt
FROM model_versions v JOIN gate_evaluations e ON e.uid = v.uid
WHERE v.name = :name AND v.version < :below
  AND e.id = (SELECT MAX(f.id) FROM gate_evaluations f WHERE f.uid = v.uid)
ORDER BY v.version DESC LIMIT :limit

-- name: metrics_of_runs
-- The last metrics of the runs that the newest versions of a model come from, and of the runs these are steps of.
SELECT v.version, l.key, l.value, l.is_nan, CASE WHEN r.id = v.run_id THEN 0 ELSE 1 END AS distance
FROM model_versions v
JOIN runs s ON s.id = v.run_id
LEFT JOIN tags p ON p.run_no = s.no AND p.key = 'mlflow.parentRunId'
JOIN runs r ON r.id = v.run_id OR r.id = p.value
JOIN latest_metrics l ON l.run_no = r.no
WHERE v.name = :name AND v.version < :below AND v.version >= :least
ORDER BY v.version DESC, distance, l.key
