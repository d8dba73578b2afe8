-- Expired rows are found by their time when they are swept away.
CREATE INDEX login_transactions_expiry ON login_transactions (expires_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
