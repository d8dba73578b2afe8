-- Whom a security change concerns: each statement gives pairs (a, b) for the epochs of tenant/api/security.c.

-- name: holders_of_role_in_organizations
SELECT organization_id, user_id FROM organization_member_roles WHERE role_id = $a;

-- name: holders_of_role
SELECT user_id, '' FROM user_roles WHERE role_id = $a;

-- name: members_of_organization_by_connection
SELECT m.organization_id, m.user_id FROM organization_members m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = $a AND u.connection_id = $b;

-- name: users_of_connection
SELECT id, '' FROM users WHERE connection_id = $a;

-- name: clients_granted_resource_server
SELECT DISTINCT client_id, '' FROM client_grants
WHERE resource_server_id = $a AND client_id IS NOT NULL;

-- name: holders_of_resource_server_in_organizations
SELECT DISTINCT mr.organization_id, mr.user_id
FROM role_permissions rp JOIN organization_member_roles mr ON mr.role_id = rp.role_id
WHERE rp.resource_server_id = $a;

-- name: holders_of_resource_server
SELECT ur.user_id, '' FROM role_permissions rp JOIN user_roles ur ON ur.role_id = rp.role_id
WHERE rp.resource_server_id = $a
UNION SELECT user_id, '' FROM user_permissions WHERE resource_server_id = $a;
