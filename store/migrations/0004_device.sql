-- The device authorization grant (RFC 8628): what a device asked for, until somebody decided it in a browser and the device fetched its tokens.
-- Both codes are stored as their SHA-256; the row stays for a day after its end, so that a replay is seen.
CREATE TABLE device_codes (
    device_hash TEXT PRIMARY KEY, user_code_hash TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE, -- who decided
    decision TEXT, -- 'approved', 'denied'; NULL: nobody yet
    expires_at BIGINT NOT NULL, polled_at BIGINT, spent_at BIGINT, family TEXT, doc TEXT NOT NULL);
CREATE INDEX device_codes_client ON device_codes (client_id);
CREATE INDEX device_codes_organization ON device_codes (organization_id);
CREATE INDEX device_codes_user ON device_codes (user_id);
CREATE INDEX device_codes_expiry ON device_codes (expires_at);
