-- name: login_transaction_insert
INSERT INTO login_transactions (id_hash, browser_hash, expires_at, doc) VALUES ($hash, $browser, $expires_at, $doc);

-- name: login_transaction_get
SELECT doc FROM login_transactions WHERE id_hash = $hash AND browser_hash = $browser AND expires_at > $now;

-- name: login_transaction_take
DELETE FROM login_transactions WHERE id_hash = $hash AND browser_hash = $browser AND expires_at > $now
RETURNING doc;

-- name: login_transaction_purge
DELETE FROM login_transactions WHERE id_hash IN
    (SELECT id_hash FROM login_transactions WHERE expires_at < $before ORDER BY expires_at LIMIT 50);

-- name: session_insert
INSERT INTO sessions (id_hash, sid, user_id, authenticated_at, last_used_at, expires_at, doc)
VALUES ($hash, $sid, $user, $now, $now, $expires_at, $doc);

-- name: session_get
SELECT sid, user_id, authenticated_at, last_used_at, doc FROM sessions WHERE id_hash = $hash AND expires_at > $now;

-- name: session_touch
UPDATE sessions SET last_used_at = $now WHERE id_hash = $hash;

-- name: session_delete
DELETE FROM sessions WHERE id_hash = $hash RETURNING user_id;

-- name: sessions_of_user_delete
DELETE FROM sessions WHERE user_id = $user;

-- name: session_purge
DELETE FROM sessions WHERE id_hash IN
    (SELECT id_hash FROM sessions WHERE expires_at < $before ORDER BY expires_at LIMIT 50);

-- name: connections_for_client
SELECT c.id, c.name FROM connections c JOIN connection_clients l ON l.connection_id = c.id
WHERE l.client_id = $client AND c.strategy = 'auth0' ORDER BY c.created_at, c.id;

-- name: connections_for_member
SELECT c.id, c.name, o.doc FROM connections c
JOIN connection_clients l ON l.connection_id = c.id
JOIN organization_connections o ON o.connection_id = c.id
WHERE l.client_id = $client AND o.organization_id = $organization AND c.strategy = 'auth0' ORDER BY c.created_at, c.id;

-- name: user_password_hash
SELECT hash FROM user_passwords WHERE user_id = $user;

-- name: user_signed_in
UPDATE users SET doc = $doc WHERE id = $user;

-- name: organization_join
INSERT INTO organization_members (organization_id, user_id, created_at) VALUES ($organization, $user, $now)
ON CONFLICT (organization_id, user_id) DO NOTHING;

-- name: organizations_of_member
SELECT o.id, o.name, o.doc FROM organizations o JOIN organization_members m ON m.organization_id = o.id
WHERE m.user_id = $user ORDER BY m.created_at, o.id LIMIT 21;
