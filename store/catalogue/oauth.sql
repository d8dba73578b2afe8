-- name: client_sealed_secret
SELECT sealed_secret FROM clients WHERE id = $id;

-- name: organization_has_member
SELECT 1 FROM organization_members WHERE organization_id = $organization AND user_id = $user;

-- name: organization_has_grant
SELECT 1 FROM organization_client_grants WHERE organization_id = $organization AND grant_id = $grant;

-- name: permissions_of_member
SELECT DISTINCT p.permission FROM organization_member_roles m JOIN role_permissions p ON p.role_id = m.role_id
WHERE m.organization_id = $organization AND m.user_id = $user AND p.resource_server_id = $resource_server
ORDER BY p.permission;

-- name: permissions_of_user
SELECT p.permission FROM user_roles r JOIN role_permissions p ON p.role_id = r.role_id
WHERE r.user_id = $user AND p.resource_server_id = $resource_server
UNION
SELECT d.permission FROM user_permissions d WHERE d.user_id = $user AND d.resource_server_id = $resource_server
ORDER BY 1;

-- name: code_insert
INSERT INTO authorization_codes (code_hash, client_id, user_id, organization_id, expires_at, doc)
VALUES ($hash, $client, $user, $organization, $expires_at, $doc);

-- name: code_by_hash
-- as device_by_hash, which is redeemed alike; a code is made when all is decided
SELECT client_id, expires_at, spent_at, family, doc, 'approved' FROM authorization_codes WHERE code_hash = $hash;

-- name: code_spend
UPDATE authorization_codes SET spent_at = $now, family = $family
WHERE code_hash = $hash AND client_id = $client AND spent_at IS NULL AND expires_at > $now
RETURNING family;

-- name: codes_of_user_delete
DELETE FROM authorization_codes WHERE user_id = $user AND spent_at IS NULL;

-- name: code_purge
DELETE FROM authorization_codes WHERE code_hash IN
    (SELECT code_hash FROM authorization_codes WHERE expires_at < $before ORDER BY expires_at LIMIT 50);

-- name: refresh_insert
INSERT INTO refresh_tokens
    (token_hash, family, client_id, user_id, organization_id, audience, created_at, expires_at, idle_expires_at, doc)
VALUES ($hash, $family, $client, $user, $organization, $audience, $now, $expires_at, $idle_expires_at, $doc);

-- name: refresh_by_hash
SELECT family, client_id, user_id, organization_id, audience, created_at, expires_at, idle_expires_at, spent_at, revoked_at, doc
FROM refresh_tokens WHERE token_hash = $hash;

-- name: refresh_spend
UPDATE refresh_tokens SET spent_at = $now WHERE token_hash = $hash AND spent_at IS NULL AND revoked_at IS NULL
RETURNING family;

-- name: refresh_touch
UPDATE refresh_tokens SET idle_expires_at = $idle_expires_at, doc = $doc
WHERE token_hash = $hash AND spent_at IS NULL AND revoked_at IS NULL
RETURNING family;

-- name: refresh_newer_spent
SELECT 1 FROM refresh_tokens WHERE family = $family AND created_at > $created_at AND spent_at IS NOT NULL LIMIT 1;

-- name: refresh_family_docs
SELECT doc FROM refresh_tokens WHERE family = $family AND revoked_at IS NULL;

-- name: refresh_revoke_family
UPDATE refresh_tokens SET revoked_at = $now WHERE family = $family AND revoked_at IS NULL;

-- name: refresh_revoke_user
UPDATE refresh_tokens SET revoked_at = $now WHERE user_id = $user AND revoked_at IS NULL;

-- name: refresh_families_of_grant
SELECT DISTINCT family, organization_id FROM refresh_tokens
WHERE user_id = $user AND client_id = $client AND audience = $audience AND revoked_at IS NULL;

-- name: refresh_purge
DELETE FROM refresh_tokens WHERE token_hash IN
    (SELECT token_hash FROM refresh_tokens WHERE expires_at < $before ORDER BY expires_at LIMIT 50);
