-- name: travellers
-- Everything on the road but data sets, which have a list of their own. Of a model the newest versions, and whatever is in
-- production.
SELECT kind, name, version, owner, stage, created_ms, updated_ms FROM (
    SELECT kind, name, version, owner, stage, created_ms, updated_ms,
        ROW_NUMBER() OVER (PARTITION BY kind, name, CASE WHEN version = '' THEN 0 ELSE 1 END
                           ORDER BY created_ms DESC, LENGTH(version) DESC, version DESC) AS place
    FROM artifacts WHERE kind <> 'dataset'
) AS placed
WHERE version = '' OR (kind = 'model' AND (place <= :versions OR stage = 'production'))
ORDER BY kind, name, created_ms, LENGTH(version), version LIMIT :limit

-- name: parts
-- Which artifact is part of which project.
SELECT DISTINCT e.source, p.name AS project FROM artifacts p
JOIN edges e ON e.target = 'project/' || p.name AND e.verb = 'part-of'
WHERE p.kind = 'project' AND p.version = ''

-- name: served
-- Which model versions a service serves or served, the newest first.
SELECT DISTINCT e.source, e.target, e.at_ms FROM artifacts s
JOIN edges e ON e.source = 'service/' || s.name AND e.verb = 'serves'
WHERE s.kind = 'service' AND s.version = '' ORDER BY e.at_ms DESC

-- name: askers
-- Which application asks which service.
SELECT DISTINCT e.source, e.target FROM artifacts a
JOIN edges e ON e.source = 'application/' || a.name AND e.verb = 'used' AND e.target LIKE 'service/%'
WHERE a.kind = 'application' AND a.version = ''

-- name: standing
-- What the gates said last about the newest version of each model.
SELECT v.name, v.version, v.uid, e.id, e.passed, e.alias, e.at_ms FROM model_versions v
JOIN gate_evaluations e ON e.uid = v.uid
WHERE v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.name = v.name)
  AND e.id = (SELECT MAX(f.id) FROM gate_evaluations f WHERE f.uid = v.uid)
ORDER BY e.at_ms LIMIT :limit

-- name: answers
-- What each gate said then, in the order of the gates; for an exempt one, when that ends.
SELECT g.evaluation_id, g.gate, g.verdict,
    CASE WHEN g.verdict = 'exempt' THEN
        (SELECT x.until_ms FROM gate_exemptions x WHERE x.uid = e.uid AND x.gate = g.gate ORDER BY x.id DESC LIMIT 1)
    END AS until_ms
FROM model_versions v
JOIN gate_evaluations e ON e.uid = v.uid
JOIN gate_evidence g ON g.evaluation_id = e.id
WHERE v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.name = v.name)
  AND e.id = (SELECT MAX(f.id) FROM gate_evaluations f WHERE f.uid = v.uid)
ORDER BY g.evaluation_id, g.place

-- name: holders
SELECT a.name, a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.uid = a.uid ORDER BY a.name, a.alias

-- name: models_known
SELECT name FROM registered_models

-- name: latency_seen
-- What the latency gate found last about a version.
SELECT g.inputs, e.at_ms FROM gate_evidence g JOIN gate_evaluations e ON e.id = g.evaluation_id
WHERE e.name = :name AND e.version = :version AND g.gate = 'latency' ORDER BY e.id DESC LIMIT 1

-- name: projects_run
-- How often the pipelines of each project ran, and when last.
SELECT project, COUNT(*) AS runs, MAX(started_ms) AS last_ms FROM pipeline_runs GROUP BY project

-- name: newest_of_each_pipeline
SELECT p.run_id, p.project, p.pipeline, p.status, p.started_ms, p.heartbeat_ms, p.host, p.boot, p.pid, p.process_started
FROM (
    SELECT run_id, ROW_NUMBER() OVER (PARTITION BY project, pipeline ORDER BY started_ms DESC, run_id) AS place FROM pipeline_runs
) AS newest JOIN pipeline_runs p ON p.run_id = newest.run_id
WHERE newest.place = 1

-- name: still_running
SELECT run_id, project, pipeline, status, started_ms, heartbeat_ms, host, boot, pid, process_started
FROM pipeline_runs WHERE status = 'RUNNING' ORDER BY started_ms LIMIT :limit

-- name: newest_of_each_experiment
-- The last run of every experiment, so that a failed one is seen that no pipeline made.
SELECT r.id, r.name, r.status, r.start_ms, r.end_ms, e.name AS experiment FROM experiments e
JOIN runs r ON r.no = (
    SELECT n.no FROM runs n WHERE n.experiment_id = e.id AND n.lifecycle_stage = 'active' ORDER BY n.start_ms DESC, n.id LIMIT 1
)
WHERE e.lifecycle_stage = 'active'

-- name: tag_of_run
SELECT t.value FROM tags t JOIN runs r ON r.no = t.run_no WHERE r.id = :run_id AND t.key = :key

-- name: ownerless
SELECT kind, name, created_ms FROM artifacts
WHERE version = '' AND owner = '' AND kind IN ('project', 'pipeline', 'service', 'application', 'model') AND stage <> 'retired'
ORDER BY created_ms LIMIT :limit

-- name: is_anything
SELECT CASE WHEN EXISTS (SELECT 1 FROM artifacts) OR EXISTS (SELECT 1 FROM runs) THEN 1 ELSE 0 END AS number

-- name: runs_by_prefix
SELECT id, name, status, start_ms FROM runs WHERE id LIKE :prefix AND lifecycle_stage = 'active' ORDER BY id LIMIT :limit

-- name: runs_by_name
SELECT id, name, status, start_ms FROM runs
WHERE lifecycle_stage = 'active' AND LOWER(name) LIKE :words ESCAPE '!' ORDER BY start_ms DESC LIMIT :limit

-- name: artifacts_by_name
-- Each once, whatever versions it has; names that start so first.
SELECT kind, name, MAX(CASE WHEN version = '' THEN description ELSE '' END) AS description,
    MAX(CASE WHEN version = '' THEN stage ELSE '' END) AS stage, MAX(updated_ms) AS updated_ms
FROM artifacts
WHERE LOWER(name) LIKE :words ESCAPE '!' OR LOWER(description) LIKE :words ESCAPE '!'
GROUP BY kind, name
ORDER BY MAX(CASE WHEN LOWER(name) LIKE :start ESCAPE '!' THEN 0 ELSE 1 END), kind, name LIMIT :limit

-- name: models_by_name
SELECT name, description, updated_ms FROM registered_models
WHERE LOWER(name) LIKE :words ESCAPE '!' OR LOWER(description) LIKE :words ESCAPE '!'
ORDER BY CASE WHEN LOWER(name) LIKE :start ESCAPE '!' THEN 0 ELSE 1 END, name LIMIT :limit

-- name: experiments_by_name
SELECT id, name, updated_ms FROM experiments
WHERE lifecycle_stage = 'active' AND LOWER(name) LIKE :words ESCAPE '!' ORDER BY name LIMIT :limit
