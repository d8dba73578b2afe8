-- Stored objects as documents, by id and by natural key: what both APIs of the tenant read.

-- name: record_organization_by_id
SELECT doc FROM organizations WHERE id = $key;

-- name: record_organization_by_name
SELECT doc FROM organizations WHERE name = $key;

-- name: record_connection_by_id
SELECT doc FROM connections WHERE id = $key;

-- name: record_connection_by_name
SELECT doc FROM connections WHERE name = $key;

-- name: record_client_by_id
SELECT doc FROM clients WHERE id = $key;

-- name: record_resource_server_by_id
SELECT doc, identifier FROM resource_servers WHERE id = $key;

-- name: record_resource_server_by_identifier
SELECT doc, identifier FROM resource_servers WHERE identifier = $key;

-- name: record_role_by_id
SELECT doc FROM roles WHERE id = $key;

-- name: record_user_by_id
SELECT doc FROM users WHERE id = $key;

-- name: record_user_by_email
SELECT doc FROM users WHERE connection_id = $connection_id AND email = $login;

-- name: record_user_by_username
SELECT doc FROM users WHERE connection_id = $connection_id AND username = $login;

-- name: record_client_grant_by_id
SELECT g.doc, r.identifier FROM client_grants g JOIN resource_servers r ON r.id = g.resource_server_id WHERE g.id = $key;

-- name: record_client_grant_by_subject
SELECT g.doc, r.identifier FROM client_grants g JOIN resource_servers r ON r.id = g.resource_server_id
WHERE g.client_id = $client_id AND r.identifier = $audience AND g.subject_type = $subject_type;
