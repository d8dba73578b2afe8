-- APIs (resource servers).

-- name: resource_server_by_id
SELECT id, created_at, doc, identifier, sealed_secret FROM resource_servers WHERE id = $id;

-- name: resource_server_by_identifier
SELECT id, created_at, doc, identifier, sealed_secret FROM resource_servers WHERE identifier = $identifier;

-- name: resource_server_page
SELECT id, created_at, doc, identifier, sealed_secret FROM resource_servers
ORDER BY created_at, id LIMIT $limit OFFSET $offset;

-- name: resource_server_count
SELECT COUNT(*) FROM resource_servers;

-- name: resource_server_insert
INSERT INTO resource_servers (id, identifier, created_at, updated_at, doc)
VALUES ($id, $identifier, $created_at, $updated_at, $doc);

-- name: resource_server_update
UPDATE resource_servers SET identifier = $identifier, updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: resource_server_secret_set
UPDATE resource_servers SET sealed_secret = $sealed_secret, updated_at = $updated_at WHERE id = $id;

-- name: resource_server_delete
DELETE FROM resource_servers WHERE id = $id;

-- name: role_permissions_of_scope_delete
DELETE FROM role_permissions WHERE resource_server_id = $resource_server_id AND permission = $permission;

-- name: user_permissions_of_scope_delete
DELETE FROM user_permissions WHERE resource_server_id = $resource_server_id AND permission = $permission;
