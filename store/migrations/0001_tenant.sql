-- The first schema. Common subset of SQLite and PostgreSQL: one table per collection (id, times in unix ms, natural keys; the rest is one
-- JSON document), relations in tables of their own, deletes cascade. Ids are never reused: they are random.
CREATE TABLE settings (name TEXT PRIMARY KEY, doc TEXT NOT NULL);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX organizations_created ON organizations (created_at, id);

CREATE TABLE connections (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, strategy TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL);

CREATE TABLE clients (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, sealed_secret TEXT,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX clients_created ON clients (created_at, id);

CREATE TABLE resource_servers (
    id TEXT PRIMARY KEY, identifier TEXT NOT NULL UNIQUE, sealed_secret TEXT,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL);

CREATE TABLE roles (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, owner_id TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL,
    UNIQUE (owner_id, name));

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    email TEXT, username TEXT, -- lower case
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL,
    UNIQUE (connection_id, email), UNIQUE (connection_id, username));
CREATE INDEX users_email ON users (email);
CREATE INDEX users_created ON users (created_at, id);

CREATE TABLE user_passwords (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, hash TEXT NOT NULL, updated_at BIGINT NOT NULL);

CREATE TABLE client_grants (
    id TEXT PRIMARY KEY,
    client_id TEXT REFERENCES clients (id) ON DELETE CASCADE, -- NULL: the default of third-party clients
    resource_server_id TEXT NOT NULL REFERENCES resource_servers (id) ON DELETE CASCADE,
    subject_type TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc TEXT NOT NULL,
    UNIQUE (client_id, resource_server_id, subject_type));
CREATE INDEX client_grants_resource_server ON client_grants (resource_server_id);

CREATE TABLE connection_clients (
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, PRIMARY KEY (connection_id, client_id));
CREATE INDEX connection_clients_client ON connection_clients (client_id);

CREATE TABLE role_permissions (
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    resource_server_id TEXT NOT NULL REFERENCES resource_servers (id) ON DELETE CASCADE,
    permission TEXT NOT NULL, PRIMARY KEY (role_id, resource_server_id, permission));
CREATE INDEX role_permissions_resource_server ON role_permissions (resource_server_id);

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, PRIMARY KEY (user_id, role_id));
CREATE INDEX user_roles_role ON user_roles (role_id, created_at, user_id);

CREATE TABLE user_permissions (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    resource_server_id TEXT NOT NULL REFERENCES resource_servers (id) ON DELETE CASCADE,
    permission TEXT NOT NULL, PRIMARY KEY (user_id, resource_server_id, permission));
CREATE INDEX user_permissions_resource_server ON user_permissions (resource_server_id);

CREATE TABLE organization_connections (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (organization_id, connection_id));
CREATE INDEX organization_connections_connection ON organization_connections (connection_id);

CREATE TABLE organization_members (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, PRIMARY KEY (organization_id, user_id));
CREATE INDEX organization_members_joined ON organization_members (organization_id, created_at, user_id);
CREATE INDEX organization_members_user ON organization_members (user_id);

CREATE TABLE organization_member_roles (
    organization_id TEXT NOT NULL, user_id TEXT NOT NULL,
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, PRIMARY KEY (organization_id, user_id, role_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE);
CREATE INDEX organization_member_roles_role ON organization_member_roles (role_id);

CREATE TABLE organization_client_grants (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    grant_id TEXT NOT NULL REFERENCES client_grants (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL, PRIMARY KEY (organization_id, grant_id));
CREATE INDEX organization_client_grants_grant ON organization_client_grants (grant_id);

-- Platform: signing keys (sealed), revocation epochs (republished to the feed at start), the audit trail.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY, state TEXT NOT NULL, sealed_private_key TEXT NOT NULL, certificate TEXT NOT NULL, created_at BIGINT NOT NULL);

CREATE TABLE epochs (
    kind INTEGER NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, epoch BIGINT NOT NULL, PRIMARY KEY (kind, a, b));

CREATE TABLE logs (id TEXT PRIMARY KEY, created_at BIGINT NOT NULL, type TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX logs_created ON logs (created_at, id);

-- Authentication: everything that is spent once is stored as the SHA-256 of what the client holds.
CREATE TABLE login_transactions ( -- one visit of the sign-in pages, bound to one browser
    id_hash TEXT PRIMARY KEY, browser_hash TEXT NOT NULL, expires_at BIGINT NOT NULL, doc TEXT NOT NULL);

CREATE TABLE sessions (
    id_hash TEXT PRIMARY KEY, sid TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    authenticated_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE authorization_codes (
    code_hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL, spent_at BIGINT, family TEXT, doc TEXT NOT NULL);
CREATE INDEX authorization_codes_client ON authorization_codes (client_id);
CREATE INDEX authorization_codes_user ON authorization_codes (user_id);
CREATE INDEX authorization_codes_organization ON authorization_codes (organization_id);

CREATE TABLE refresh_tokens (
    token_hash TEXT PRIMARY KEY, family TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
    audience TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT, idle_expires_at BIGINT,
    spent_at BIGINT, revoked_at BIGINT, doc TEXT NOT NULL);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id, client_id);
CREATE INDEX refresh_tokens_client ON refresh_tokens (client_id);
CREATE INDEX refresh_tokens_organization ON refresh_tokens (organization_id);
