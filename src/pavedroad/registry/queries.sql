-- name: insert_model
INSERT INTO registered_models (name, description, created_ms, updated_ms) VALUES (:name, :description, :at_ms, :at_ms)
ON CONFLICT (name) DO NOTHING

-- name: model
SELECT * FROM registered_models WHERE name = :name

-- name: models_after
-- In order of name; `:words` is a LIKE pattern over name and description, empty for all.
SELECT * FROM registered_models
WHERE name > :after AND (:words = '' OR LOWER(name) LIKE :words OR LOWER(description) LIKE :words)
ORDER BY name LIMIT :limit

-- name: count_models
SELECT COUNT(*) FROM registered_models

-- name: update_model
UPDATE registered_models SET description = :description, updated_ms = :at_ms WHERE name = :name

-- name: touch_model
UPDATE registered_models SET updated_ms = :at_ms WHERE name = :name

-- name: rename_model
UPDATE registered_models SET name = :new_name, updated_ms = :at_ms WHERE name = :name

-- name: delete_model
DELETE FROM registered_models WHERE name = :name

-- name: model_tags
SELECT key, value FROM registered_model_tags WHERE name = :name ORDER BY key

-- name: set_model_tag
INSERT INTO registered_model_tags (name, key, value) VALUES (:name, :key, :value)
ON CONFLICT (name, key) DO UPDATE SET value = excluded.value

-- name: delete_model_tag
DELETE FROM registered_model_tags WHERE name = :name AND key = :key

-- name: model_aliases
SELECT a.alias, a.uid, v.version FROM model_aliases a JOIN model_versions v ON v.uid = a.uid
WHERE a.name = :name ORDER BY a.alias

-- name: last_number
SELECT MAX(version) FROM model_version_numbers WHERE name = :name

-- name: keep_number
INSERT INTO model_version_numbers (name, version, uid) VALUES (:name, :version, :uid) ON CONFLICT (name, version) DO NOTHING

-- name: keep_numbers_of_model
-- After a rename: the new name's numbers mean these versions.
INSERT INTO model_version_numbers (name, version, uid)
SELECT name, version, uid FROM model_versions WHERE name = :name
ON CONFLICT (name, version) DO NOTHING

-- name: numbers_taken
-- Versions of the model whose number under this name once meant another version.
SELECT n.version FROM model_version_numbers n JOIN model_versions v ON v.version = n.version
WHERE v.name = :name AND n.name = :new_name AND n.uid <> v.uid ORDER BY n.version

-- name: insert_version
INSERT INTO model_versions (uid, name, version, source, location, digest, run_id, model_id, run_link, author, description, created_ms, updated_ms)
VALUES (:uid, :name, :version, :source, :location, :digest, :run_id, :model_id, :run_link, :author, :description, :at_ms, :at_ms)

-- name: version
SELECT * FROM model_versions WHERE name = :name AND version = :version

-- name: version_by_uid
SELECT * FROM model_versions WHERE uid = :uid

-- name: version_by_alias
SELECT v.* FROM model_versions v JOIN model_aliases a ON a.uid = v.uid WHERE a.name = :name AND a.alias = :alias

-- name: last_version
SELECT * FROM model_versions WHERE name = :name ORDER BY version DESC LIMIT 1

-- name: versions_below
-- Of one model, newest first; `:below` is the number to go on from.
SELECT * FROM model_versions WHERE name = :name AND version < :below ORDER BY version DESC LIMIT :limit

-- name: versions_of_run
SELECT * FROM model_versions WHERE run_id = :run_id ORDER BY name, version

-- name: versions_of_logged_model
SELECT * FROM model_versions WHERE model_id = :model_id ORDER BY name, version

-- name: latest_version_of_each_stage
SELECT v.* FROM model_versions v
WHERE v.name = :name AND v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.name = v.name AND w.stage = v.stage)
ORDER BY v.version

-- name: count_versions
SELECT COUNT(*) FROM model_versions WHERE name = :name

-- name: update_version
UPDATE model_versions SET description = :description, updated_ms = :at_ms WHERE uid = :uid

-- name: set_version_stage
UPDATE model_versions SET stage = :stage, updated_ms = :at_ms WHERE uid = :uid

-- name: archive_stage
UPDATE model_versions SET stage = 'Archived', updated_ms = :at_ms WHERE name = :name AND stage = :stage AND uid <> :uid

-- name: delete_version
DELETE FROM model_versions WHERE uid = :uid

-- name: version_tags
SELECT key, value FROM model_version_tags WHERE uid = :uid ORDER BY key

-- name: set_version_tag
INSERT INTO model_version_tags (uid, key, value) VALUES (:uid, :key, :value)
ON CONFLICT (uid, key) DO UPDATE SET value = excluded.value

-- name: delete_version_tag
DELETE FROM model_version_tags WHERE uid = :uid AND key = :key

-- name: version_aliases
SELECT alias FROM model_aliases WHERE uid = :uid ORDER BY alias

-- name: insert_version_file
INSERT INTO model_version_files (uid, path, digest, size_bytes) VALUES (:uid, :path, :digest, :size_bytes)

-- name: version_files
SELECT path, digest, size_bytes FROM model_version_files WHERE uid = :uid ORDER BY path

-- name: set_alias
INSERT INTO model_aliases (name, alias, uid) VALUES (:name, :alias, :uid)
ON CONFLICT (name, alias) DO UPDATE SET uid = excluded.uid

-- name: delete_alias
DELETE FROM model_aliases WHERE name = :name AND alias = :alias

-- name: insert_move
INSERT INTO alias_moves
    (name, alias, what, version, uid, run_id, model_id, previous, previous_uid, evaluation_id, who, at_ms)
VALUES
    (:name, :alias, :what, :version, :uid, :run_id, :model_id, :previous, :previous_uid, :evaluation_id, :who, :at_ms)

-- name: moves
-- Newest first.
SELECT * FROM alias_moves WHERE name = :name AND (:alias = '' OR alias = :alias) ORDER BY id DESC LIMIT :limit

-- name: insert_evaluation
INSERT INTO gate_evaluations (uid, name, version, alias, digest, passed, who, at_ms)
VALUES (:uid, :name, :version, :alias, :digest, :passed, :who, :at_ms)
RETURNING id

-- name: insert_evidence
INSERT INTO gate_evidence (evaluation_id, place, gate, verdict, says, next_step, inputs)
VALUES (:evaluation_id, :place, :gate, :verdict, :says, :next_step, :inputs)

-- name: evaluations
-- Of one version, newest first; `:before` is the id to go on from.
SELECT * FROM gate_evaluations WHERE uid = :uid AND id < :before ORDER BY id DESC LIMIT :limit

-- name: evaluation
SELECT * FROM gate_evaluations WHERE id = :id

-- name: evidence
SELECT * FROM gate_evidence WHERE evaluation_id = :evaluation_id ORDER BY place

-- name: evidence_of_gate
-- What a gate measured before on exactly these files, newest first.
SELECT g.inputs FROM gate_evidence g JOIN gate_evaluations e ON e.id = g.evaluation_id
WHERE e.uid = :uid AND g.gate = :gate AND e.digest = :digest AND e.at_ms >= :since_ms
ORDER BY e.id DESC LIMIT :limit

-- name: insert_exemption
INSERT INTO gate_exemptions (uid, gate, reason, owner, until_ms, who, at_ms)
VALUES (:uid, :gate, :reason, :owner, :until_ms, :who, :at_ms)
RETURNING id

-- name: exemptions
-- Newest first: the newest one of a gate counts.
SELECT * FROM gate_exemptions WHERE uid = :uid ORDER BY id DESC

-- name: exemptions_ending
-- Of versions that still exist, those that end before a moment and after another, soonest first.
SELECT x.*, v.name, v.version FROM gate_exemptions x JOIN model_versions v ON v.uid = x.uid
WHERE x.until_ms > :after_ms AND x.until_ms <= :until_ms ORDER BY x.until_ms LIMIT :limit

-- name: insert_approval
INSERT INTO model_approvals (uid, who, note, digest, at_ms) VALUES (:uid, :who, :note, :digest, :at_ms)
ON CONFLICT (uid, who) DO UPDATE SET note = excluded.note, digest = excluded.digest, at_ms = excluded.at_ms

-- name: approvals
SELECT * FROM model_approvals WHERE uid = :uid ORDER BY at_ms, who
