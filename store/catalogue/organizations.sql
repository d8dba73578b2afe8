-- Organizations, their connections, members, roles of members, and client grants: what the Management API reads and writes.

-- name: organization_by_id
SELECT id, created_at, doc FROM organizations WHERE id = $id;

-- name: organization_by_name
SELECT id, created_at, doc FROM organizations WHERE name = $name;

-- name: organization_page
SELECT id, created_at, doc FROM organizations ORDER BY created_at, id LIMIT $limit OFFSET $offset;

-- name: organization_from
SELECT id, created_at, doc FROM organizations
WHERE created_at > $after_time OR (created_at = $after_time AND id > $after_id)
ORDER BY created_at, id LIMIT $limit;

-- name: organization_count
SELECT COUNT(*) FROM organizations;

-- name: organization_insert
INSERT INTO organizations (id, name, created_at, updated_at, doc)
VALUES ($id, $name, $created_at, $updated_at, $doc);

-- name: organization_update
UPDATE organizations SET name = $name, updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: organization_delete
DELETE FROM organizations WHERE id = $id;

-- name: organization_connection_by_id
SELECT oc.connection_id, oc.created_at, oc.doc, c.name, c.strategy
FROM organization_connections oc JOIN connections c ON c.id = oc.connection_id
WHERE oc.organization_id = $organization_id AND oc.connection_id = $connection_id;

-- name: organization_connection_page
SELECT oc.connection_id, oc.created_at, oc.doc, c.name, c.strategy
FROM organization_connections oc JOIN connections c ON c.id = oc.connection_id
WHERE oc.organization_id = $organization_id
ORDER BY lower(oc.connection_id), oc.connection_id LIMIT $limit OFFSET $offset;

-- name: organization_connection_count
SELECT COUNT(*) FROM organization_connections WHERE organization_id = $organization_id;

-- name: organization_connection_insert
INSERT INTO organization_connections (organization_id, connection_id, created_at, doc)
VALUES ($organization_id, $connection_id, $created_at, $doc);

-- name: organization_connection_update
UPDATE organization_connections SET doc = $doc
WHERE organization_id = $organization_id AND connection_id = $connection_id;

-- name: organization_connection_delete
DELETE FROM organization_connections WHERE organization_id = $organization_id AND connection_id = $connection_id;

-- name: organization_member_page
SELECT m.user_id, m.created_at, u.doc
FROM organization_members m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = $organization_id
ORDER BY m.created_at, m.user_id LIMIT $limit OFFSET $offset;

-- name: organization_member_from
SELECT m.user_id, m.created_at, u.doc
FROM organization_members m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = $organization_id
  AND (m.created_at > $after_time OR (m.created_at = $after_time AND m.user_id > $after_id))
ORDER BY m.created_at, m.user_id LIMIT $limit;

-- name: organization_member_count
SELECT COUNT(*) FROM organization_members WHERE organization_id = $organization_id;

-- name: organization_member_add
INSERT INTO organization_members (organization_id, user_id, created_at)
VALUES ($organization_id, $user_id, $created_at) ON CONFLICT (organization_id, user_id) DO NOTHING;

-- name: organization_member_remove
DELETE FROM organization_members WHERE organization_id = $organization_id AND user_id = $user_id;

-- name: organization_member_exists
SELECT 1 FROM organization_members WHERE organization_id = $organization_id AND user_id = $user_id;

-- name: organization_member_role_page
SELECT r.id, r.created_at, r.doc
FROM organization_member_roles mr JOIN roles r ON r.id = mr.role_id
WHERE mr.organization_id = $organization_id AND mr.user_id = $user_id
ORDER BY r.name, r.id LIMIT $limit OFFSET $offset;

-- name: organization_member_role_count
SELECT COUNT(*) FROM organization_member_roles WHERE organization_id = $organization_id AND user_id = $user_id;

-- name: organization_member_role_names
SELECT r.id, r.name
FROM organization_member_roles mr JOIN roles r ON r.id = mr.role_id
WHERE mr.organization_id = $organization_id AND mr.user_id = $user_id ORDER BY r.name, r.id;

-- name: organization_member_role_add
INSERT INTO organization_member_roles (organization_id, user_id, role_id, created_at)
VALUES ($organization_id, $user_id, $role_id, $created_at) ON CONFLICT (organization_id, user_id, role_id) DO NOTHING;

-- name: organization_member_role_remove
DELETE FROM organization_member_roles
WHERE organization_id = $organization_id AND user_id = $user_id AND role_id = $role_id;

-- name: organization_client_grant_page
SELECT g.id, ocg.created_at, g.doc, rs.identifier
FROM organization_client_grants ocg
JOIN client_grants g ON g.id = ocg.grant_id
JOIN resource_servers rs ON rs.id = g.resource_server_id
WHERE ocg.organization_id = $organization_id
ORDER BY ocg.created_at, g.id LIMIT $limit OFFSET $offset;

-- name: organization_client_grant_count
SELECT COUNT(*) FROM organization_client_grants WHERE organization_id = $organization_id;

-- name: organization_client_grant_add
INSERT INTO organization_client_grants (organization_id, grant_id, created_at)
VALUES ($organization_id, $grant_id, $created_at);

-- name: organization_client_grant_remove
DELETE FROM organization_client_grants WHERE organization_id = $organization_id AND grant_id = $grant_id;

-- name: organization_of_grant_page
SELECT o.id, ocg.created_at, o.doc
FROM organization_client_grants ocg JOIN organizations o ON o.id = ocg.organization_id
WHERE ocg.grant_id = $grant_id
ORDER BY ocg.created_at, o.id LIMIT $limit OFFSET $offset;

-- name: organization_of_grant_from
SELECT o.id, ocg.created_at, o.doc
FROM organization_client_grants ocg JOIN organizations o ON o.id = ocg.organization_id
WHERE ocg.grant_id = $grant_id
  AND (ocg.created_at > $after_time OR (ocg.created_at = $after_time AND o.id > $after_id))
ORDER BY ocg.created_at, o.id LIMIT $limit;

-- name: organization_of_grant_count
SELECT COUNT(*) FROM organization_client_grants WHERE grant_id = $grant_id;

-- name: organization_of_user_page
SELECT o.id, m.created_at, o.doc
FROM organization_members m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = $user_id ORDER BY m.created_at, o.id LIMIT $limit OFFSET $offset;

-- name: organization_of_user_count
SELECT COUNT(*) FROM organization_members WHERE user_id = $user_id;
