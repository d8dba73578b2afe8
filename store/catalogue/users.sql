-- Users, their passwords, roles and direct permissions.

-- name: user_by_id
SELECT id, created_at, doc FROM users WHERE id = $id;

-- name: user_page
SELECT id, created_at, doc FROM users ORDER BY created_at, id LIMIT $limit OFFSET $offset;

-- name: user_count
SELECT COUNT(*) FROM users;

-- name: user_by_email_page
SELECT id, created_at, doc FROM users WHERE email = $email ORDER BY created_at, id LIMIT $limit OFFSET $offset;

-- name: user_by_id_page
SELECT id, created_at, doc FROM users WHERE id = $id ORDER BY created_at, id LIMIT $limit OFFSET $offset;

-- name: user_connection
SELECT u.connection_id, c.doc FROM users u JOIN connections c ON c.id = u.connection_id WHERE u.id = $id;

-- name: user_insert
INSERT INTO users (id, connection_id, email, username, created_at, updated_at, doc)
VALUES ($id, $connection_id, $email, $username, $created_at, $updated_at, $doc);

-- name: user_update
UPDATE users SET email = $email, username = $username, updated_at = $updated_at, doc = $doc WHERE id = $id;

-- name: user_delete
DELETE FROM users WHERE id = $id;

-- name: user_password_set
INSERT INTO user_passwords (user_id, hash, updated_at) VALUES ($user_id, $hash, $updated_at)
ON CONFLICT (user_id) DO UPDATE SET hash = $hash, updated_at = $updated_at;

-- name: user_role_page
SELECT r.id, r.created_at, r.doc
FROM user_roles ur JOIN roles r ON r.id = ur.role_id
WHERE ur.user_id = $user_id ORDER BY r.name, r.id LIMIT $limit OFFSET $offset;

-- name: user_role_count
SELECT COUNT(*) FROM user_roles WHERE user_id = $user_id;

-- name: user_role_add
INSERT INTO user_roles (user_id, role_id, created_at)
VALUES ($user_id, $role_id, $created_at) ON CONFLICT (user_id, role_id) DO NOTHING;

-- name: user_role_remove
DELETE FROM user_roles WHERE user_id = $user_id AND role_id = $role_id;

-- name: user_permission_page
SELECT p.permission, p.direct, rs.doc, rs.identifier, p.role_id, p.role_name
FROM (SELECT permission, 1 AS direct, resource_server_id, '' AS role_id, '' AS role_name
      FROM user_permissions WHERE user_id = $user_id
      UNION ALL
      SELECT rp.permission, 0, rp.resource_server_id, r.id, r.name
      FROM user_roles ur JOIN role_permissions rp ON rp.role_id = ur.role_id JOIN roles r ON r.id = ur.role_id
      WHERE ur.user_id = $user_id) p
JOIN resource_servers rs ON rs.id = p.resource_server_id
ORDER BY p.permission, rs.identifier, p.direct DESC, p.role_name LIMIT $limit OFFSET $offset;

-- name: user_permission_count
SELECT COUNT(*) FROM user_permissions WHERE user_id = $user_id;

-- name: user_permission_add
INSERT INTO user_permissions (user_id, resource_server_id, permission)
VALUES ($user_id, $resource_server_id, $permission) ON CONFLICT (user_id, resource_server_id, permission) DO NOTHING;

-- name: user_permission_remove
DELETE FROM user_permissions
WHERE user_id = $user_id AND resource_server_id = $resource_server_id AND permission = $permission;
