"""What programs write that the published pulumi_auth0 lacks, each with the text that works everywhere. Programs found in the wild (and written by
language models) hold these lines; under the Pulumi CLI they end with an AttributeError or TypeError. Here they do what their authors meant, and
a warning names the line and prints what to write instead. `install` changes nothing where the provider has come to know the name."""
import ast
import sys

import pulumi
import pulumi_auth0 as auth0


class Source:
    """Where in the program we are: the innermost frame of a file of its, and the call that stands there."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {}

    def read(self, file):
        if file not in self.files:
            try:
                with open(file, encoding="utf-8") as opened:
                    text = opened.read()
                self.files[file] = (text, list(ast.walk(ast.parse(text))))
            except (OSError, ValueError, SyntaxError):
                self.files[file] = ("", [])
        return self.files[file]

    def here(self):
        frame = sys._getframe(1)
        while frame and not frame.f_code.co_filename.startswith(self.folder):
            frame = frame.f_back
        return (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 0)

    def find(self, kind, name):
        """The node of this kind and name at the line where we are, with a function that gives the text of any node; (None, None) if it is not to be found."""
        file, line = self.here()
        text, nodes = self.read(file) if file else ("", [])
        named = [node for node in nodes if isinstance(node, kind) and node.lineno <= line <= node.end_lineno and name_of(node) == name]
        if not named:
            return None, None
        return max(named, key=lambda node: node.lineno), lambda node: ast.get_source_segment(text, node)

    def warn(self, what, instead, at=None):
        file, line = at or self.here()
        place = f"{file[len(self.folder):].lstrip('/')}:{line}: " if file else ""
        pulumi.log.warn(f"{place}{what}; write\n    " + "\n    ".join(instead))


def name_of(node):
    part = node.func if isinstance(node, ast.Call) else node
    return getattr(part, "attr", getattr(part, "id", None))


def keywords_of(call, text):
    return {keyword.arg: text(keyword.value) for keyword in call.keywords if keyword.arg}


def module_of(call, text):
    return f"{text(call.func.value)}." if isinstance(call.func, ast.Attribute) else ""


def colours_of_an_organization(source):
    def OrganizationBrandingColorsArgs(primary=None, page_background=None):
        call, text = source.find(ast.Call, "OrganizationBrandingColorsArgs")
        given = keywords_of(call, text) if call else {}
        pairs = [f'"{name}": {given.get(name, "…")}' for name in ("primary", "page_background")]
        source.warn("OrganizationBrandingColorsArgs does not exist: colors is a plain map, its keys are the API's own", ["colors={" + ", ".join(pairs) + "}"])
        return {name: value for name, value in (("primary", primary), ("page_background", page_background)) if value is not None}

    if not hasattr(auth0, "OrganizationBrandingColorsArgs"):
        auth0.OrganizationBrandingColorsArgs = OrganizationBrandingColorsArgs


def domain_of_an_organization(source):
    def auth_domain(organization):
        node, text = source.find(ast.Attribute, "auth_domain")
        source.warn(f"{text(node) if node else 'auth_domain'} does not exist: the domain is the tenant's, an organization is chosen by its id at /authorize",
                    ["auth0.get_tenant_output().domain"])
        return auth0.get_tenant_output().domain

    if not hasattr(auth0.Organization, "auth_domain"):
        auth0.Organization.auth_domain = property(auth_domain)


def roles_of_a_member(source):
    original = auth0.OrganizationMember._internal_init

    def _internal_init(member, resource_name, *args, roles=None, **kwargs):
        original(member, resource_name, *args, **kwargs)
        if roles is None:
            return
        call, text = source.find(ast.Call, "OrganizationMember")
        given = keywords_of(call, text) if call else {}
        name = text(call.args[0]) if call and call.args else f'"{resource_name}"'
        ids = f'{name}, user_id={given.get("user_id", "…")}, organization_id={given.get("organization_id", "…")}'
        module = module_of(call, text) if call else ""
        source.warn("OrganizationMember has no roles: they are a resource of their own",
                    [f"{module}OrganizationMember({ids})", f'{module}OrganizationMemberRoles({ids}, roles={given.get("roles", "…")})'])
        auth0.OrganizationMemberRoles(resource_name, organization_id=member.organization_id, user_id=member.user_id, roles=roles,
                                      opts=pulumi.ResourceOptions(depends_on=[member]))

    if "roles" not in original.__code__.co_varnames:
        auth0.OrganizationMember._internal_init = _internal_init


def connection_that_every_tenant_has(source):
    original = auth0.Connection._internal_init

    def _internal_init(connection, resource_name, opts=None, *args, **kwargs):
        original(connection, resource_name, opts, *args, **kwargs)
        name = kwargs.get("name")
        if name != "Username-Password-Authentication" or (opts is not None and (opts.import_ or opts.id)):
            return
        at = source.here()
        connection.id.apply(lambda id: source.warn(
            f"every tenant has the connection {name}, so that Pulumi's create is refused (409); Gatehouse adopts it",
            [f'opts=pulumi.ResourceOptions(import_="{id}")'], at))

    auth0.Connection._internal_init = _internal_init


def install(folder):
    source = Source(folder)
    for mend in (colours_of_an_organization, domain_of_an_organization, roles_of_a_member, connection_that_every_tenant_has):
        mend(source)
