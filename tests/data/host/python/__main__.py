"""The stack of ../nodejs/index.js as somebody writes it in Python."""
import pulumi
import pulumi_auth0 as auth0

config = pulumi.Config()
departments = config.get_object("departments") or ["sales", "support"]


class Api(pulumi.ComponentResource):
    def __init__(self, name, permissions, opts=None):
        super().__init__("hosted:index:Api", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.server = auth0.ResourceServer(f"{name}-server", name=name, identifier=f"https://{name}.example.com/v1", token_lifetime=7200,
                                           enforce_policies=True, opts=child)
        self.scopes = auth0.ResourceServerScopes(f"{name}-scopes", resource_server_identifier=self.server.identifier,
                                                 scopes=[auth0.ResourceServerScopesScopeArgs(name=permission) for permission in permissions], opts=child)
        self.register_outputs({"identifier": self.server.identifier})


api = Api("hosted-api", ["chat:invoke", "models:list"])
organization = auth0.Organization(
    "acme", name="hosted-acme", display_name=pulumi.Output.concat("Acme for ", api.server.identifier),
    branding={"colors": {"primary": "#0000FF", "page_background": "#FFFFFF"}})
roles = []
for department in departments:
    role = auth0.Role(department, name=f"hosted-{department}", description=f"People of {department}")
    auth0.RolePermissions(department, role_id=role.id,
                          permissions=[{"name": "chat:invoke", "resource_server_identifier": api.server.identifier}],
                          opts=pulumi.ResourceOptions(depends_on=[api]))
    roles.append(role)
connection = auth0.Connection("people", name="hosted-people", strategy="auth0")
app = auth0.Client("app", name="hosted-app", app_type="regular_web")
enabled = auth0.ConnectionClients("people-app", connection_id=connection.id, enabled_clients=[app.id])
ada = auth0.User("ada", connection_name=connection.name, email="ada@example.com", email_verified=True, password=config.require_secret("password"),
                 opts=pulumi.ResourceOptions(depends_on=[enabled], ignore_changes=["email_verified"]))
member = auth0.OrganizationMember("ada", organization_id=organization.id, user_id=ada.id)
auth0.OrganizationMemberRoles("ada", organization_id=organization.id, user_id=ada.id, roles=[role.id for role in roles],
                              opts=pulumi.ResourceOptions(depends_on=[member]))

print("asked for a preview" if pulumi.runtime.is_dry_run() else "asked for an update")
pulumi.export("organizationId", organization.id)
pulumi.export("roleCount", len(roles))
pulumi.export("password", ada.password)
pulumi.export("domain", auth0.get_tenant_output().domain)
