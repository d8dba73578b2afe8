// One customer company and the AI API that its people and machines may call: the stack of ../Pulumi.yaml in TypeScript.
import * as auth0 from "@pulumi/auth0";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

// The API and what may be done with it. Permissions reach the token because enforcePolicies is on and the dialect says so.
const api = new auth0.ResourceServer("api", {
  identifier: config.get("apiIdentifier") ?? "https://ai.example.com/v1",
  name: "AI API",
  enforcePolicies: true,
  tokenDialect: "access_token_authz",
  allowOfflineAccess: true,
  signingAlg: "RS256",
});
const permissions = [
  { name: "chat:invoke", description: "Call chat models" },
  { name: "models:list", description: "List models" },
];
const apiScopes = new auth0.ResourceServerScopes("api-scopes", { resourceServerIdentifier: api.identifier, scopes: permissions });
const role = new auth0.Role("role-ai-user", { name: "ai-user", description: "May call the AI API" });
new auth0.RolePermissions("role-ai-user-permissions", {
  roleId: role.id,
  permissions: permissions.map(({ name }) => ({ name, resourceServerIdentifier: api.identifier })),
}, { dependsOn: [apiScopes] });

// The company, and where its people sign in. The keys of colors are the API's own, so they are in snake case.
const organization = new auth0.Organization("my-organization", {
  name: config.get("orgName") ?? "my-awesome-company",
  displayName: "My Awesome Company",
  branding: { logoUrl: "https://example.com/logo.png", colors: { primary: "#0000FF", page_background: "#FFFFFF" } },
});
const connection = new auth0.Connection("my-connection", {
  strategy: "auth0",
  name: "my-awesome-company-users",
  options: { passwordPolicy: "good", bruteForceProtection: true, disableSignup: true },
});
new auth0.OrganizationConnection("my-org-connection", {
  organizationId: organization.id, connectionId: connection.id, assignMembershipOnLogin: true,
});

// The application with the sign-in. A connection is enabled for the organization and for the client, or nobody can sign in.
const app = new auth0.Client("app", {
  name: "AI Console",
  appType: "regular_web",
  callbacks: [config.get("callbackUrl") ?? "http://localhost:3000/callback"],
  allowedLogoutUrls: ["http://localhost:3000"],
  grantTypes: ["authorization_code", "refresh_token"],
  oidcConformant: true,
  organizationUsage: "require",
  organizationRequireBehavior: "no_prompt",
});
const appCredentials = new auth0.ClientCredentials("app-credentials", { clientId: app.id, authenticationMethod: "client_secret_post" });
const enabled = new auth0.ConnectionClients("my-connection-clients", { connectionId: connection.id, enabledClients: [app.id] });

// A member with a role in this organization.
const user = new auth0.User("member-user", {
  connectionName: connection.name,
  email: config.get("memberEmail") ?? "ada@example.com",
  password: config.requireSecret("memberPassword"),
  emailVerified: true,
}, { ignoreChanges: ["password"], dependsOn: [enabled] });
const member = new auth0.OrganizationMember("my-org-member", { organizationId: organization.id, userId: user.id });
new auth0.OrganizationMemberRoles("my-org-member-roles", { organizationId: organization.id, userId: member.userId, roles: [role.id] });

// A machine of the company: its token is for this organization only.
const machine = new auth0.Client("m2m", {
  name: "AI batch worker", appType: "non_interactive", grantTypes: ["client_credentials"], organizationUsage: "allow",
});
const machineCredentials = new auth0.ClientCredentials("m2m-credentials", { clientId: machine.id, authenticationMethod: "client_secret_post" });
const grant = new auth0.ClientGrant("m2m-grant", {
  clientId: machine.id, audience: api.identifier, scopes: ["chat:invoke"], organizationUsage: "allow", allowAnyOrganization: false,
}, { dependsOn: [apiScopes] });
new auth0.OrganizationClientGrant("m2m-org-grant", { organizationId: organization.id, grantId: grant.id });

const domain = auth0.getTenantOutput().domain;
export const organization_id = organization.id;
export const organization_domain = domain;
export const login_url = pulumi.interpolate`https://${domain}/authorize?organization=${organization.id}`;
export const audience = api.identifier;
export const client_id = app.clientId;
export const client_secret = appCredentials.clientSecret;
export const m2m_client_id = machine.clientId;
export const m2m_client_secret = machineCredentials.clientSecret;
