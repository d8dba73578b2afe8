-- The statements of the store's own tests.

-- name: schema_version_get
SELECT version FROM schema_version;
-- name: schema_version_set
UPDATE schema_version SET version = $version;

-- name: parent_insert
INSERT INTO parents (id) VALUES ($id);
-- name: child_insert
INSERT INTO children (id, parent_id, note, size) VALUES ($id, $parent_id, $note, $size);
-- name: child_insert_returning
-- $parent_id appears once more in the result
INSERT INTO children (id, parent_id, note, size) VALUES ($id, $parent_id, 'a;''$b', 1) RETURNING id, note;
-- name: child_delete
DELETE FROM children WHERE parent_id = $parent_id;
-- name: children_all
SELECT id, note, size FROM children ORDER BY id;
-- name: children_of
SELECT id FROM children WHERE parent_id = $parent_id OR (CAST($parent_id AS TEXT) IS NULL) ORDER BY id;
-- name: children_count
SELECT COUNT(*) FROM children;
-- name: child_check
INSERT INTO children (id, parent_id, size) VALUES ($id, $id, -1);
