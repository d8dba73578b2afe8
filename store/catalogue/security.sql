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
