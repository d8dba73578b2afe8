-- name: device_insert
-- no row when the user code is taken: another one is drawn
INSERT INTO device_codes (device_hash, user_code_hash, client_id, organization_id, expires_at, doc)
VALUES ($hash, $user_code, $client, $organization, $expires_at, $doc)
ON CONFLICT (user_code_hash) DO NOTHING;

-- name: device_by_user_code
SELECT device_hash, doc FROM device_codes WHERE user_code_hash = $user_code AND decision IS NULL AND expires_at > $now;

-- name: device_decide
UPDATE device_codes SET decision = $decision, user_id = $user, doc = $doc
WHERE device_hash = $hash AND decision IS NULL AND expires_at > $now
RETURNING client_id;

-- name: device_by_hash
SELECT client_id, expires_at, spent_at, family, doc, decision FROM device_codes WHERE device_hash = $hash;

-- name: device_poll
UPDATE device_codes SET polled_at = $now WHERE device_hash = $hash AND (polled_at IS NULL OR polled_at <= $before);

-- name: device_spend
UPDATE device_codes SET spent_at = $now, family = $family
WHERE device_hash = $hash AND client_id = $client AND decision = 'approved' AND spent_at IS NULL AND expires_at > $now
RETURNING family;

-- name: devices_of_user_delete
DELETE FROM device_codes WHERE user_id = $user AND spent_at IS NULL;

-- name: device_purge
DELETE FROM device_codes WHERE device_hash IN
    (SELECT device_hash FROM device_codes WHERE expires_at < $before ORDER BY expires_at LIMIT 50);
