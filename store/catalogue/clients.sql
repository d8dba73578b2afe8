-- Clients and what they are granted.

-- name: client_by_id
SELECT id, created_at, doc, sealed_secret FROM clients WHERE id = $id;

-- name: client_page
SELECT id, created_at, doc, sealed_secret FROM clients ORDER BY created_at, id LIMIT $limit OFFSET $offset;

-- name: client_from
SELECT id, created_at, doc, sealed_secret FROM clients
WHERE created_at > $after_time OR (created_at = $after_time AND id > $after_id)
ORDER BY created_at, id LIMIT $limit;

-- name: client_count
SELECT COUNT(*) FROM clients;

-- name: client_insert
INSERT INTO clients (id, name, created_at, updated_at, doc)
VALUES ($id, $name, $created_at, $updated_at, $doc);

-- name: client_update
UPDATE clients SET name = $name, updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: client_secret_set
UPDATE clients SET sealed_secret = $sealed_secret, updated_at = $updated_at WHERE id = $id;

-- name: client_delete
DELETE FROM clients WHERE id = $id;

-- name: client_grant_by_id
SELECT g.id, g.created_at, g.doc, rs.identifier
FROM client_grants g JOIN resource_servers rs ON rs.id = g.resource_server_id WHERE g.id = $id;

-- name: client_grant_page
SELECT g.id, g.created_at, g.doc, rs.identifier
FROM client_grants g JOIN resource_servers rs ON rs.id = g.resource_server_id
ORDER BY g.created_at, g.id LIMIT $limit OFFSET $offset;

-- name: client_grant_from
SELECT g.id, g.created_at, g.doc, rs.identifier
FROM client_grants g JOIN resource_servers rs ON rs.id = g.resource_server_id
WHERE g.created_at > $after_time OR (g.created_at = $after_time AND g.id > $after_id)
ORDER BY g.created_at, g.id LIMIT $limit;

-- name: client_grant_count
SELECT COUNT(*) FROM client_grants;

-- name: client_grant_insert
INSERT INTO client_grants (id, client_id, resource_server_id, subject_type, created_at, updated_at, doc)
VALUES ($id, $client_id, $resource_server_id, $subject_type, $created_at, $updated_at, $doc);

-- name: client_grant_update
UPDATE client_grants SET updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: client_grant_delete
DELETE FROM client_grants WHERE id = $id;

-- name: client_signing_certificate
SELECT certificate FROM signing_keys WHERE state = 'current' ORDER BY created_at DESC LIMIT 1;

-- name: client_of_organization_page
SELECT DISTINCT c.id, c.created_at, c.doc, c.sealed_secret
FROM organization_client_grants og JOIN client_grants g ON g.id = og.grant_id JOIN clients c ON c.id = g.client_id
WHERE og.organization_id = $organization_id ORDER BY c.created_at, c.id LIMIT $limit OFFSET $offset;

-- name: client_of_organization_from
SELECT DISTINCT c.id, c.created_at, c.doc, c.sealed_secret
FROM organization_client_grants og JOIN client_grants g ON g.id = og.grant_id JOIN clients c ON c.id = g.client_id
WHERE og.organization_id = $organization_id
  AND (c.created_at > $after_time OR (c.created_at = $after_time AND c.id > $after_id))
ORDER BY c.created_at, c.id LIMIT $limit;

-- name: client_of_organization_count
SELECT COUNT(DISTINCT g.client_id)
FROM organization_client_grants og JOIN client_grants g ON g.id = og.grant_id
WHERE og.organization_id = $organization_id;
