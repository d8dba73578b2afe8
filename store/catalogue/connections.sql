-- Connections and the clients that may use them.

-- name: connection_by_id
SELECT id, created_at, doc FROM connections WHERE id = $id;

-- name: connection_by_name
SELECT id, created_at, doc FROM connections WHERE name = $name;

-- name: connection_page
SELECT id, created_at, doc FROM connections ORDER BY lower(name), id LIMIT $limit OFFSET $offset;

-- name: connection_from
SELECT id, created_at, doc FROM connections
WHERE created_at > $after_time OR (created_at = $after_time AND id > $after_id)
ORDER BY created_at, id LIMIT $limit;

-- name: connection_count
SELECT COUNT(*) FROM connections;

-- name: connection_insert
INSERT INTO connections (id, name, strategy, created_at, updated_at, doc)
VALUES ($id, $name, $strategy, $created_at, $updated_at, $doc);

-- name: connection_update
UPDATE connections SET name = $name, strategy = $strategy, updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: connection_delete
DELETE FROM connections WHERE id = $id;

-- name: connection_client_ids
SELECT client_id FROM connection_clients WHERE connection_id = $connection_id ORDER BY created_at, client_id;

-- name: connection_client_from
SELECT client_id, created_at FROM connection_clients
WHERE connection_id = $connection_id
  AND (created_at > $after_time OR (created_at = $after_time AND client_id > $after_id))
ORDER BY created_at, client_id LIMIT $limit;

-- name: connection_client_add
INSERT INTO connection_clients (connection_id, client_id, created_at)
VALUES ($connection_id, $client_id, $created_at) ON CONFLICT (connection_id, client_id) DO NOTHING;

-- name: connection_client_remove
DELETE FROM connection_clients WHERE connection_id = $connection_id AND client_id = $client_id;

-- name: connection_clients_clear
DELETE FROM connection_clients WHERE connection_id = $connection_id;

-- name: connection_of_client_from
SELECT c.id, c.created_at, c.doc
FROM connection_clients cc JOIN connections c ON c.id = cc.connection_id
WHERE cc.client_id = $client_id
  AND (c.created_at > $after_time OR (c.created_at = $after_time AND c.id > $after_id))
ORDER BY c.created_at, c.id LIMIT $limit;
