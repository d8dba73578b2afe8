// An identity stack as somebody writes it in JavaScript: a loop, a component, a secret, a lookup, dependsOn, outputs.
const pulumi = require('@pulumi/pulumi');
const auth0 = require('@pulumi/auth0');

const config = new pulumi.Config();
const departments = config.getObject('departments') ?? ['sales', 'support'];

class Api extends pulumi.ComponentResource {
  constructor(name, permissions, options) {
    super('hosted:index:Api', name, {}, options);
    this.server = new auth0.ResourceServer(`${name}-server`, { name, identifier: `https://${name}.example.com/v1`, tokenLifetime: 7200, enforcePolicies: true }, { parent: this });
    this.scopes = new auth0.ResourceServerScopes(`${name}-scopes`, {
      resourceServerIdentifier: this.server.identifier, scopes: permissions.map((permission) => ({ name: permission })),
    }, { parent: this });
    this.registerOutputs({ identifier: this.server.identifier });
  }
}

const api = new Api('hosted-api', ['chat:invoke', 'models:list']);
const organization = new auth0.Organization('acme', {
  name: 'hosted-acme', displayName: pulumi.interpolate`Acme for ${api.server.identifier}`,
  branding: { colors: { primary: '#0000FF', page_background: '#FFFFFF' } },
});
const roles = departments.map((department) => {
  const role = new auth0.Role(department, { name: `hosted-${department}`, description: `People of ${department}` });
  new auth0.RolePermissions(department, {
    roleId: role.id, permissions: [{ name: 'chat:invoke', resourceServerIdentifier: api.server.identifier }],
  }, { dependsOn: [api] });
  return role;
});
const connection = new auth0.Connection('people', { name: 'hosted-people', strategy: 'auth0' });
const app = new auth0.Client('app', { name: 'hosted-app', appType: 'regular_web' });
const enabled = new auth0.ConnectionClients('people-app', { connectionId: connection.id, enabledClients: [app.id] });
const ada = new auth0.User('ada', {
  connectionName: connection.name, email: 'ada@example.com', emailVerified: true, password: config.requireSecret('password'),
}, { dependsOn: [enabled], ignoreChanges: ['emailVerified'] });
const member = new auth0.OrganizationMember('ada', { organizationId: organization.id, userId: ada.id });
new auth0.OrganizationMemberRoles('ada', { organizationId: organization.id, userId: ada.id, roles: roles.map((role) => role.id) }, { dependsOn: [member] });

console.log(pulumi.runtime.isDryRun() ? 'asked for a preview' : 'asked for an update');
exports.organizationId = organization.id;
exports.roleCount = roles.length;
exports.password = ada.password;
exports.domain = auth0.getTenantOutput({}).domain;
