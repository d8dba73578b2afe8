-- What the drivers need for the migrations.

-- name: schema_version_get
SELECT version FROM schema_version;

-- name: schema_version_set
UPDATE schema_version SET version = $version;
