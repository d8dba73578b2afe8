-- Settings and revocation epochs.

-- name: setting_get
SELECT doc FROM settings WHERE name = $name;

-- name: setting_put
INSERT INTO settings (name, doc) VALUES ($name, $doc) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc;

-- name: epochs_all
-- republished to the feed at start
SELECT kind, a, b, epoch, seq FROM epochs;

-- name: epoch_raise
-- an epoch never goes back, and each change comes later in the order: there is one writer
INSERT INTO epochs (kind, a, b, epoch, seq)
VALUES ($kind, $a, $b, $epoch, (SELECT COALESCE(MAX(seq), 0) + 1 FROM epochs))
ON CONFLICT (kind, a, b) DO UPDATE
SET epoch = CASE WHEN excluded.epoch > epochs.epoch THEN excluded.epoch ELSE epochs.epoch END, seq = excluded.seq
RETURNING seq;

-- name: changes_since
-- in order: a row that changed again stands at its last place, so that whoever has all up to a number has all
SELECT kind, a, b, epoch, seq FROM epochs WHERE seq > $since AND seq <= $up_to ORDER BY seq LIMIT 500;

-- name: time_newest
-- the latest moment that the store has seen, in seconds: the clock may have been set back since
SELECT COALESCE(MAX(t), 0) FROM (SELECT MAX(epoch) AS t FROM epochs UNION ALL SELECT MAX(created_at) / 1000 AS t FROM logs) moments;

-- name: signing_keys_all
SELECT kid, state, sealed_private_key, certificate FROM signing_keys ORDER BY created_at, kid;

-- name: signing_key_insert
INSERT INTO signing_keys (kid, state, sealed_private_key, certificate, created_at)
VALUES ($kid, $state, $sealed_private_key, $certificate, $created_at);

-- name: log_insert
INSERT INTO logs (id, created_at, type, doc) VALUES ($id, $created_at, $type, $doc);
