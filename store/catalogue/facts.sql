-- What the feed tells of organizations and APIs (tenant/facts.c), all of it at start.

-- name: facts_of_organizations
SELECT id, doc FROM organizations;

-- name: facts_of_resource_servers
SELECT identifier, doc FROM resource_servers;
