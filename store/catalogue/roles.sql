-- Roles, their permissions and their users.

-- name: role_by_id
SELECT id, created_at, doc FROM roles WHERE id = $id;

-- name: role_page
SELECT id, created_at, doc FROM roles ORDER BY name, id LIMIT $limit OFFSET $offset;

-- name: role_count
SELECT COUNT(*) FROM roles;

-- name: role_insert
INSERT INTO roles (id, name, owner_id, created_at, updated_at, doc)
VALUES ($id, $name, $owner_id, $created_at, $updated_at, $doc);

-- name: role_update
UPDATE roles SET name = $name, owner_id = $owner_id, updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: role_delete
DELETE FROM roles WHERE id = $id;

-- name: roles_of_owner_delete
DELETE FROM roles WHERE owner_id = $owner_id;

-- name: role_permission_page
SELECT rp.permission, 0, rs.doc, rs.identifier
FROM role_permissions rp JOIN resource_servers rs ON rs.id = rp.resource_server_id
WHERE rp.role_id = $role_id
ORDER BY rp.permission, rs.identifier LIMIT $limit OFFSET $offset;

-- name: role_permission_count
SELECT COUNT(*) FROM role_permissions WHERE role_id = $role_id;

-- name: role_permission_add
INSERT INTO role_permissions (role_id, resource_server_id, permission)
VALUES ($role_id, $resource_server_id, $permission) ON CONFLICT (role_id, resource_server_id, permission) DO NOTHING;

-- name: role_permission_remove
DELETE FROM role_permissions
WHERE role_id = $role_id AND resource_server_id = $resource_server_id AND permission = $permission;

-- name: role_user_page
SELECT ur.user_id, ur.created_at, u.doc
FROM user_roles ur JOIN users u ON u.id = ur.user_id
WHERE ur.role_id = $role_id ORDER BY ur.created_at, ur.user_id LIMIT $limit OFFSET $offset;

-- name: role_user_from
SELECT ur.user_id, ur.created_at, u.doc
FROM user_roles ur JOIN users u ON u.id = ur.user_id
WHERE ur.role_id = $role_id
  AND (ur.created_at > $after_time OR (ur.created_at = $after_time AND ur.user_id > $after_id))
ORDER BY ur.created_at, ur.user_id LIMIT $limit;

-- name: role_user_count
SELECT COUNT(*) FROM user_roles WHERE role_id = $role_id;
