-- name: insert_event
INSERT INTO desk_rota_events (rota, at_ms, who, body) VALUES (:rota, :at_ms, :who, :body)

-- name: events
SELECT id, at_ms, who, body FROM desk_rota_events WHERE rota = :rota ORDER BY id

-- name: latest
SELECT MAX(at_ms) FROM desk_rota_events WHERE rota = :rota
