-- name: insert_webhook
INSERT INTO webhooks (id, name, url, description, status, has_secret, created_ms, updated_ms)
VALUES (:id, :name, :url, :description, :status, :has_secret, :at_ms, :at_ms)

-- name: insert_event
INSERT INTO webhook_events (event, webhook_id, place) VALUES (:event, :webhook_id, :place)
ON CONFLICT DO NOTHING

-- name: webhook
SELECT id, name, url, description, status, has_secret, created_ms, updated_ms FROM webhooks WHERE id = :id

-- name: webhooks
-- Newest first.
SELECT id, name, url, description, status, has_secret, created_ms, updated_ms FROM webhooks
ORDER BY created_ms DESC, id LIMIT :limit OFFSET :offset

-- name: events_of_webhook
SELECT event FROM webhook_events WHERE webhook_id = :webhook_id ORDER BY place

-- name: update_webhook
UPDATE webhooks SET name = :name, url = :url, description = :description, status = :status,
    has_secret = :has_secret, updated_ms = :at_ms
WHERE id = :id

-- name: delete_events
DELETE FROM webhook_events WHERE webhook_id = :webhook_id

-- name: delete_deliveries
DELETE FROM webhook_deliveries WHERE webhook_id = :webhook_id

-- name: delete_webhook
DELETE FROM webhooks WHERE id = :id

-- name: listeners
-- Who wants to know of an event.
SELECT webhooks.id FROM webhook_events JOIN webhooks ON webhooks.id = webhook_events.webhook_id
WHERE webhook_events.event = :event AND webhooks.status = 'ACTIVE'

-- name: insert_delivery
INSERT INTO webhook_deliveries (id, webhook_id, event, body, state, attempts, next_ms, http_status, error, created_ms)
VALUES (:id, :webhook_id, :event, :body, 'waiting', 0, :at_ms, 0, '', :at_ms)

-- name: due_deliveries
SELECT id, webhook_id, event, body, attempts FROM webhook_deliveries
WHERE state = 'waiting' AND next_ms <= :now_ms ORDER BY next_ms LIMIT :limit

-- name: claim_delivery
-- Nobody else sends it until `lease_ms`; then its sender is taken for dead.
UPDATE webhook_deliveries SET attempts = attempts + 1, next_ms = :lease_ms
WHERE id = :id AND state = 'waiting' AND next_ms <= :now_ms

-- name: end_delivery
UPDATE webhook_deliveries SET state = :state, next_ms = :next_ms, http_status = :http_status, error = :error
WHERE id = :id

-- name: deliveries_of_webhook
-- Newest first.
SELECT id, webhook_id, event, state, attempts, next_ms, http_status, error, created_ms FROM webhook_deliveries
WHERE webhook_id = :webhook_id ORDER BY created_ms DESC, id LIMIT :limit

-- name: forget_deliveries
DELETE FROM webhook_deliveries WHERE state = :state AND created_ms < :before_ms
