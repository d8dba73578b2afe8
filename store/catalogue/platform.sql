-- Settings and revocation epochs.

-- name: setting_get
SELECT doc FROM settings WHERE name = $name;

-- name: setting_put
INSERT INTO settings (name, doc) VALUES ($name, $doc) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc;

-- name: epochs_all
-- republished to the feed at start
SELECT kind, a, b, epoch FROM epochs;
