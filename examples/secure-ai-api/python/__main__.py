"""One customer company and the AI API that its people and machines may call: the stack of ../Pulumi.yaml in Python."""
import pulumi
import pulumi_auth0 as auth0

config = pulumi.Config()
api_identifier = config.get("apiIdentifier") or "https://ai.example.com/v1"

# The API and what may be done with it. Permissions reach the token because enforce_policies is on and the dialect says so.
api = auth0.ResourceServer("api", identifier=api_identifier, name="AI API", enforce_policies=True, token_dialect="access_token_authz",
                           allow_offline_access=True, signing_alg="RS256")
permissions = {"chat:invoke": "Call chat models", "models:list": "List models"}
api_scopes = auth0.ResourceServerScopes(
    "api-scopes", resource_server_identifier=api.identifier,
    scopes=[auth0.ResourceServerScopesScopeArgs(name=name, description=description) for name, description in permissions.items()])
after_scopes = pulumi.ResourceOptions(depends_on=[api_scopes])
role = auth0.Role("role-ai-user", name="ai-user", description="May call the AI API")
auth0.RolePermissions(
    "role-ai-user-permissions", role_id=role.id, opts=after_scopes,
    permissions=[auth0.RolePermissionsPermissionArgs(name=name, resource_server_identifier=api.identifier) for name in permissions])

# The company, and where its people sign in. The keys of colors are the API's own, so they are in snake case.
organization = auth0.Organization(
    "my-organization", name=config.get("orgName") or "my-awesome-company", display_name="My Awesome Company",
    branding=auth0.OrganizationBrandingArgs(logo_url="https://example.com/logo.png", colors={"primary": "#0000FF", "page_background": "#FFFFFF"}))
connection = auth0.Connection(
    "my-connection", strategy="auth0", name="my-awesome-company-users",
    options=auth0.ConnectionOptionsArgs(password_policy="good", brute_force_protection=True, disable_signup=True))
auth0.OrganizationConnection("my-org-connection", organization_id=organization.id, connection_id=connection.id, assign_membership_on_login=True)

# The application with the sign-in. A connection is enabled for the organization and for the client, or nobody can sign in.
app = auth0.Client(
    "app", name="AI Console", app_type="regular_web", callbacks=[config.get("callbackUrl") or "http://localhost:3000/callback"],
    allowed_logout_urls=["http://localhost:3000"], grant_types=["authorization_code", "refresh_token"], oidc_conformant=True,
    organization_usage="require", organization_require_behavior="no_prompt")
app_credentials = auth0.ClientCredentials("app-credentials", client_id=app.id, authentication_method="client_secret_post")
enabled = auth0.ConnectionClients("my-connection-clients", connection_id=connection.id, enabled_clients=[app.id])

# A member with a role in this organization.
user = auth0.User(
    "member-user", connection_name=connection.name, email=config.get("memberEmail") or "ada@example.com",
    password=config.require_secret("memberPassword"), email_verified=True,
    opts=pulumi.ResourceOptions(ignore_changes=["password"], depends_on=[enabled]))
member = auth0.OrganizationMember("my-org-member", organization_id=organization.id, user_id=user.id)
auth0.OrganizationMemberRoles("my-org-member-roles", organization_id=organization.id, user_id=member.user_id, roles=[role.id])

# A machine of the company: its token is for this organization only.
machine = auth0.Client("m2m", name="AI batch worker", app_type="non_interactive", grant_types=["client_credentials"], organization_usage="allow")
machine_credentials = auth0.ClientCredentials("m2m-credentials", client_id=machine.id, authentication_method="client_secret_post")
grant = auth0.ClientGrant("m2m-grant", client_id=machine.id, audience=api.identifier, scopes=["chat:invoke"], organization_usage="allow",
                          allow_any_organization=False, opts=after_scopes)
auth0.OrganizationClientGrant("m2m-org-grant", organization_id=organization.id, grant_id=grant.id)

domain = auth0.get_tenant_output().domain
pulumi.export("organization_id", organization.id)
pulumi.export("organization_domain", domain)
pulumi.export("login_url", pulumi.Output.concat("https://", domain, "/authorize?organization=", organization.id))
pulumi.export("audience", api.identifier)
pulumi.export("client_id", app.client_id)
pulumi.export("client_secret", app_credentials.client_secret)
pulumi.export("m2m_client_id", machine.client_id)
pulumi.export("m2m_client_secret", machine_credentials.client_secret)
