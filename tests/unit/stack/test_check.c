#include <stdlib.h>
#include <string.h>

#include "stack/program.h"
#include "tests/check.h"

#define HEAD "name: t\nruntime: yaml\n"
#define ROLE "resources:\n  r:\n    type: auth0:Role\n"

static enum gh_err examine(const char *program, struct gh_diagnostics *d) {
    gh_auto(gh_program_freep) struct gh_program *p = NULL;
    enum gh_err e = gh_program_parse(".", "Pulumi.yaml", gh_str_from(program), d, &p);
    return e ? e : gh_program_check(p, d);
}

/* What is printed for a program, without the source lines. */
static void told(const char *program, char *ret, size_t room) {
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    enum gh_err e = examine(program, d);
    const struct gh_diagnostic *one;
    *ret = '\0';
    for (size_t i = 0, at = 0; (one = gh_diagnostics_at(d, i)) && at < room; i++)
        at += (size_t)snprintf(ret + at, room - at, "%s%s%u,%u: %.*s%s%.*s", i ? "\n" : "",
                               one->severity == GH_SEVERITY_WARNING ? "warning: " : "", one->position.line,
                               one->position.column, GH_STR_FMT(one->summary), one->detail.len ? "; " : "",
                               GH_STR_FMT(one->detail));
    CHECK_ROW(program, (e != GH_OK) == (gh_diagnostics_count(d, GH_SEVERITY_ERROR) > 0));
}

struct row {
    const char *program, *told;
};

static void check_rows(const struct row *rows, size_t count) {
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        char text[4096];
        told(rows[i].program, text, sizeof text);
        if (strcmp(text, rows[i].told) != 0) {
            print_error("%s\nis told:\n%s\nnot:\n%s\n\n", rows[i].program, text, rows[i].told);
            good = false;
        }
    }
    CHECK(good);
}

TEST(the_structure_of_a_program_is_strict) {
    static const struct row rows[] = {
        { HEAD, "" },
        { "", "1,1: a program is a map with name, runtime and resources" },
        { "runtime: yaml\n", "1,1: Required field 'name' is missing: the project's name" },
        { "name: t\n", "1,1: Required field 'runtime' is missing: write runtime: yaml" },
        { "name: t\nruntime: go\n", "2,10: runtime 'go' is not supported: Gatehouse runs programs with "
                                    "runtime yaml, nodejs or python" },
        { "name: t\nruntime: {name: dotnet}\n", "2,17: runtime 'dotnet' is not supported: Gatehouse runs "
                                                "programs with runtime yaml, nodejs or python" },
        { "name: t\nmain: src\nruntime: yaml\n",
          "2,1: 'main' is for programs in another language than YAML" },
        { "name: t\nruntime: {name: yaml, options: {compiler: sh}}\n",
          "2,32: a compiler is not in Gatehouse's subset of Pulumi YAML" },
        { "name: ../x\nruntime: yaml\n",
          "1,7: a project's name holds letters, digits, '-', '_' and '.', at most 100" },
        { HEAD "Resources: {}\n", "3,1: 'Resources' looks like a miscapitalization of 'resources'" },
        { HEAD "resource: {}\n", "3,1: the project has invalid key 'resource'; Existing keys are: resources, "
                                 "runtime, website, namespace, template and 13 others" },
        { HEAD "components: {}\n",
          "3,1: the project: 'components' is not in Gatehouse's subset of Pulumi YAML" },
        { HEAD "configuration: {}\n",
          "3,1: the project: 'configuration' is deprecated: rename it to 'config'" },
        { HEAD "resources: {r: {}}\n", "3,13: Required field 'type' is missing on resource \"r\"" },
        { HEAD "resources: {r: {type: auth0:Organisation}}\n",
          "3,23: unable to find resource type \"auth0:Organisation\" in resource provider \"auth0\"; The "
          "nearest types "
          "are: Organization, Action, Connection, OrganizationMember, TriggerAction and 71 others" },
        { HEAD "resources: {r: {type: aws:s3:Bucket}}\n",
          "3,23: resource type \"aws:s3:Bucket\" is not in Gatehouse: it knows the provider auth0 only" },
        { HEAD ROLE "    protect: true\n",
          "6,5: r has invalid key 'protect'; 'protect' exists under options, e.g. options: { protect: … }" },
        { HEAD ROLE "    get: {id: x}\n", "" },
        { HEAD ROLE "    get: {id: x, state: {name: n}}\noutputs: {o: \"${r.name}\"}\n", "" },
        { HEAD ROLE "    get: {state: {}}\n", "6,5: get: Required field 'id' is missing" },
        { HEAD ROLE "    get: {id: x, stat: {}}\n",
          "6,18: get has invalid key 'stat'; Existing keys are: state, id" },
        { HEAD ROLE "    get: {id: [x]}\n", "6,15: Cannot assign List to string" },
        { HEAD ROLE "    get: {id: \"${nobody.id}\"}\n",
          "6,15: resource, variable, or config value \"nobody\" not found" },
        { HEAD ROLE "    get: {id: \"${r.id}\"}\n",
          "4,3: circular dependency of resource 'r' transitively on itself" },
        { HEAD ROLE "    get: {id: x, state: {nme: n}}\n",
          "6,26: Property nme does not exist on Role; Existing properties are: name, description" },
        { HEAD ROLE "    get: {id: x}\n    properties: {name: n}\n",
          "4,3: r has both 'get' and 'properties': it is read, or it is managed" },
        { HEAD ROLE "    options: {aliases: [{name: old}]}\n    properties: {name: n}\n", "" },
        { HEAD ROLE "    options: {aliases: [\"urn:pulumi:dev::t::auth0:index/role:Role::old\"]}\n"
                    "    properties: {name: n}\n",
          "" },
        { HEAD ROLE "    options: {aliases: [\"urn:pulumi:dev::t::auth0:index/user:User::old\"]}\n"
                    "    properties: {name: n}\n",
          "6,25: an alias is { name: OLD }, or the urn of a resource of the same type" },
        { HEAD ROLE "    options: {aliases: [{name: old, parent: x}]}\n    properties: {name: n}\n",
          "6,25: an alias is { name: OLD }, or the urn of a resource of the same type" },
        { HEAD ROLE "    options: {aliases: {name: old}}\n    properties: {name: n}\n",
          "6,24: aliases is a list of former names: aliases: [{ name: OLD }]\n"
          "6,31: an alias is { name: OLD }, or the urn of a resource of the same type" },
        { HEAD ROLE "    options: {aliases: [{name: r}]}\n    properties: {name: n}\n",
          "4,3: the alias 'r' is the name of a resource of this program" },
        { HEAD ROLE "    property: {}\n",
          "6,5: r has invalid key 'property'; Existing keys are: properties, type, get, name, options" },
        { HEAD ROLE "    options: {protect: \"yes\"}\n",
          "6,24: 'protect' must be true or false, written out" },
        { HEAD ROLE "    options: {parent: \"${r}\"}\n",
          "6,15: options: 'parent' is not in Gatehouse's subset of Pulumi YAML" },
        { HEAD ROLE "    options: {ignoreChanges: [nme]}\n", "6,31: 'nme' names no property of Role" },
        { HEAD ROLE "    options: {import: \"${x}\"}\n",
          "6,23: 'import' is an id written out: it cannot hold a reference" },
        { HEAD ROLE "    options: {dependsOn: \"${r}\"}\n",
          "6,26: dependsOn is a list of resources: dependsOn: [\"${name}\"]\n"
          "4,3: circular dependency of resource 'r' transitively on itself" },
        { HEAD "config: {a.b: 1}\n",
          "3,10: 'a.b' is no name that a reference can hold: no blanks, dots, brackets or quotes" },
        { HEAD "config: {pulumi: 1}\n",
          "3,10: the name 'pulumi' is reserved: ${pulumi.stack} and others are found there" },
    };
    check_rows(rows, GH_COUNT(rows));
}

TEST(config_is_typed) {
    static const struct row rows[] = {
        { HEAD "config: {a: {type: string}, b: 1, c: {default: [1]}, d: {type: number, default: 2}}\n", "" },
        { HEAD "config: {t:a: {type: string}, auth0:domain: {value: x}}\n", "" },
        { HEAD "config: {a: {}}\n",
          "3,10: unable to infer the type of config value 'a': say type or default" },
        { HEAD "config: {a: {type: array, items: {type: string}}}\n", "" },
        { HEAD "config: {a: {type: array}}\n",
          "3,10: config value 'a' is an array: say what of, items: { type: string }" },
        { HEAD "config: {a: {type: array, items: string}}\n",
          "3,34: 'items' is a map with the type of the items: items: { type: string }\n"
          "3,10: config value 'a' is an array: say what of, items: { type: string }" },
        { HEAD "config: {a: {type: text}}\n",
          "3,20: a config type is one of string, integer, number, boolean, array, object" },
        { HEAD "config: {a: {type: integer, default: x}}\n",
          "3,38: type mismatch: default value of type string but type integer was specified" },
        { HEAD "config: {a: {type: integer, default: 1.5}}\n",
          "3,38: type mismatch: default value of type number but type integer was specified" },
        { HEAD "config: {a: {default: 1, value: 2}}\n", "3,10: config value 'a' has both default and value" },
        { HEAD "config: {a: {type: string, secret: 1}}\n",
          "3,36: 'secret' must be true or false, written out" },
        { HEAD "config: {auth0:domain: {type: string}}\n",
          "3,10: 'auth0:domain' belongs to another package: it takes a value and no type" },
        { HEAD "config: {a: 012}\n", "3,13: YAML readers disagree about this value: quote it" },
        { HEAD "config: {a: 1}\nvariables: {a: 2}\n",
          "4,13: the name 'a' is taken: the config value in line 3 has it" },
    };
    check_rows(rows, GH_COUNT(rows));
}

TEST(references_lead_somewhere) {
    static const struct row rows[] = {
        { HEAD ROLE
          "outputs: {a: \"${r.id}\", b: \"${r.name}\", c: \"${r}\", d: \"${r.urn}\", e: \"${pulumi.cwd}\"}\n",
          "" },
        { HEAD "outputs: {a: \"${b}\"}\n", "3,14: resource, variable, or config value \"b\" not found" },
        { HEAD "config: {my-name: x}\noutputs: {a: \"${myname}\"}\n",
          "4,14: resource, variable, or config value \"myname\" not found; Did you mean my-name?" },
        { HEAD ROLE "outputs: {a: \"${r.permissions}\"}\n",
          "6,14: Property permissions does not exist on Role; Permissions of a role are a resource of their "
          "own: "
          "RolePermissions with roleId and permissions" },
        { HEAD ROLE "outputs: {a: \"${r.nam}\"}\n",
          "6,14: Property nam does not exist on Role; Existing properties are: name, description" },
        { HEAD ROLE "outputs: {a: \"${r.name.x}\"}\n",
          "6,14: cannot access property 'x' of a value of type string" },
        { HEAD ROLE "outputs: {a: \"${r[0]}\"}\n", "6,14: cannot access item 0 of a value of type Role" },
        { HEAD "variables: {t: {\"fn::auth0:getTenant\": {}}}\noutputs: {a: \"${t.domian}\"}\n",
          "4,14: Property domian does not exist on getTenant; Existing properties are: domain, id, mtls, "
          "flags, sessions and 29 others" },
        { HEAD "variables: {v: {a: [1]}}\noutputs: {a: \"${v.a[0]}\", b: \"${v[0]}\"}\n",
          "4,30: cannot access item 0 of a value of type Map" },
        { HEAD "outputs: {a: \"${pulumi.stak}\"}\n",
          "3,14: ${pulumi.stak} is not known; There are stack, cwd, project, organization, rootDirectory" },
        { HEAD "outputs: {a: \"${}\"}\n",
          "3,14: an empty ${} refers to nothing; write $${} for the text itself" },
        { HEAD "outputs: {a: \"${a\"}\n", "3,14: a reference is not closed: '}' is missing" },
        { HEAD "outputs: {a: \"${a + b}\"}\n",
          "3,14: ${a + b} is no reference: write ${name}, ${name.property}, ${name[0]} or ${name[\"key\"]}" },
        { HEAD "outputs: {a: \"${a.}\"}\n",
          "3,14: ${a.} is no reference: write ${name}, ${name.property}, ${name[0]} or ${name[\"key\"]}" },
        { HEAD "outputs: {a: \"${a[-1]}\"}\n",
          "3,14: ${a[-1]} is no reference: write ${name}, ${name.property}, ${name[0]} or ${name[\"key\"]}" },
        { HEAD "variables:\n  a: ${b}\n  b: ${c}\n  c: ${a}\n",
          "4,3: circular dependency of variable 'a' transitively on itself; 'c' in line 6 closes the "
          "circle" },
        { HEAD "variables: {a: 1}\n" ROLE "    options: {dependsOn: [\"${a}\"]}\n",
          "7,27: dependsOn names resources: 'a' is none" },
    };
    check_rows(rows, GH_COUNT(rows));
}

TEST(functions_are_called_as_they_are) {
    static const struct row rows[] = {
        { HEAD "outputs: {a: {\"fn::join\": [\",\", [a, b]]}, b: {\"fn::invoke\": {function: auth0:getRole, "
               "arguments: "
               "{name: x}, return: id}}}\n",
          "" },
        { HEAD "outputs: {a: {\"fn::fromJSON\": \"1\"}}\n",
          "warning: 3,15: fn::fromJSON is a function of Pulumi ESC and Gatehouse; Pulumi YAML itself would "
          "take it as data" },
        { HEAD "outputs: {a: {\"fn::nope\": 1}}\n", "3,15: fn::nope is no function; there are join, split, "
                                                    "select, toJSON, fromJSON, toBase64, fromBase64, secret, "
                                                    "readFile and invoke" },
        { HEAD "outputs: {a: {\"fn::fileAsset\": x}}\n",
          "3,15: fn::fileAsset is not in Gatehouse's subset of Pulumi YAML; a program that needs it runs "
          "with Pulumi" },
        { HEAD "outputs: {a: {\"fn::join\": x}}\n", "3,27: fn::join takes [separator, list of texts]" },
        { HEAD "outputs: {a: {\"fn::join\": [\",\", x]}}\n", "3,33: Cannot assign string to List<string>" },
        { HEAD "outputs: {a: {\"fn::select\": [x, []]}}\n", "3,30: Cannot assign string to integer" },
        { HEAD "outputs: {a: {\"fn::secret\": 1, b: 2}}\n",
          "3,15: 'fn::' is a reserved prefix: fn::secret must be the only key of its map" },
        { HEAD "outputs: {a: {\"fn::auth0:getRoles\": {}}}\n",
          "3,15: there is no function 'auth0:getRoles' in the provider auth0" },
        { HEAD "outputs: {a: {\"fn::auth0:getRole\": {nam: x}}}\n",
          "3,37: Property nam does not exist on getRole; Existing properties are: name, roleId, skipUsers, "
          "skipPermissions" },
        { HEAD "outputs: {a: {\"fn::invoke\": {arguments: {}}}}\n",
          "3,15: Required field 'function' is missing in fn::invoke" },
        { HEAD "outputs: {a: {\"fn::invoke\": {function: auth0:getTenant, options: {}}}}\n",
          "3,57: fn::invoke has no key 'options' here; it takes function, arguments, return" },
        { HEAD "outputs: {a: {\"fn::invoke\": {function: auth0:getTenant, return: nope}}}\n",
          "3,15: Property nope does not exist on getTenant; Existing properties are: id, mtls, domain, "
          "flags, errorPages and 29 others" },
        { HEAD "outputs: {a: \"x ${l}\"}\nvariables: {l: [1]}\n", "3,14: Cannot assign List to string" },
    };
    check_rows(rows, GH_COUNT(rows));
}

#define ORG "resources:\n  o:\n    type: auth0:Organization\n    properties:\n"

TEST(properties_are_those_of_the_provider) {
    static const struct row rows[] = {
        { HEAD ORG
          "      name: 5\n      displayName: true\n      branding: {colors: {primary: \"#000000\"}}\n",
          "" },
        { HEAD ORG "      display_name: x\n", "7,7: Property display_name does not exist on Organization; "
                                              "Existing properties are: displayName, name, "
                                              "metadata, branding, tokenQuota and 1 other" },
        { HEAD ORG "      branding: {colors: {pageBackground: \"#fff\"}}\n",
          "7,27: colors has no key 'pageBackground'; The keys of a map are the API's own, in snake case: "
          "primary, "
          "page_background" },
        { HEAD ORG "      name: [x]\n", "7,13: Cannot assign List to string: property name" },
        { HEAD ORG "      branding: x\n",
          "7,17: Cannot assign string to OrganizationBranding: property branding" },
        { HEAD ORG "      metadata: {a: [1]}\n", "7,21: Cannot assign List to string" },
        { HEAD ORG "      thirdPartyClientAccess: maybe\n",
          "7,31: 'maybe' is no value of thirdPartyClientAccess; Allowed are: block, allow" },
        { HEAD "resources: {m: {type: auth0:OrganizationMember, properties: {userId: <USER_ID>, roles: "
               "[<ROLE_ID>]}}}\n",
          "3,70: <USER_ID> is a placeholder: replace it; Declare the object in this program and write "
          "${name.id}, look it "
          "up with a function such as fn::auth0:getUser, or write its id\n"
          "3,81: Property roles does not exist on OrganizationMember; Roles of a member are a resource of "
          "their own: "
          "OrganizationMemberRoles with organizationId, userId and roles\n"
          "3,89: <ROLE_ID> is a placeholder: replace it; Declare the object in this program and write "
          "${name.id}, look it "
          "up with a function such as fn::auth0:getUser, or write its id\n"
          "3,13: Missing required property 'organizationId' of OrganizationMember" },
        { HEAD "config: {list: {type: array, items: {type: string}}}\n" ORG "      name: ${list}\n",
          "8,13: Cannot assign List<any> to string: property name" },
        { HEAD "config: {n: 1}\nresources:\n  s:\n    type: auth0:Tenant\n    properties: {sessionLifetime: "
               "\"${n}\", "
               "idleSessionLifetime: 1.5}\n",
          "" },
        { HEAD "config: {s: x}\nresources: {c: {type: auth0:ResourceServer, properties: {identifier: a, "
               "enforcePolicies: \"${s}\", tokenLifetime: 1.5}}}\n",
          "4,90: Cannot assign string to boolean: property enforcePolicies\n"
          "4,113: Cannot assign number to integer: property tokenLifetime" },
        { HEAD "resources: {c: {type: auth0:ResourceServerScopes, properties: {resourceServerIdentifier: a, "
               "scopes: "
               "[{nam: x}]}}}\n",
          "3,103: Property nam does not exist on ResourceServerScopesScope; Existing properties are: name, "
          "description\n"
          "3,102: Missing required property 'name' of ResourceServerScopesScope" },
    };
    check_rows(rows, GH_COUNT(rows));
}

TEST(what_cannot_work_is_told) {
    static const struct row rows[] = {
        { HEAD "resources:\n"
               "  c: {type: auth0:Connection, properties: {strategy: auth0, name: c}}\n"
               "  oc: {type: auth0:OrganizationConnection, properties: {organizationId: o, connectionId: "
               "\"${c.id}\"}}\n",
          "warning: 5,3: connection 'c' is enabled for the organization but for no client: nobody can sign "
          "in with it; "
          "Declare ConnectionClients with connectionId: ${c.id} and enabledClients" },
        { HEAD "resources:\n"
               "  c: {type: auth0:Connection, properties: {strategy: auth0, name: c}}\n"
               "  cc: {type: auth0:ConnectionClients, properties: {connectionId: \"${c.id}\", "
               "enabledClients: [x]}}\n"
               "  oc: {type: auth0:OrganizationConnection, properties: {organizationId: o, connectionId: "
               "\"${c.id}\"}}\n",
          "" },
        { HEAD "resources:\n"
               "  api: {type: auth0:ResourceServer, properties: {identifier: a, enforcePolicies: true}}\n"
               "  p: {type: auth0:RolePermissions, properties: {roleId: r, permissions: [{name: n, "
               "resourceServerIdentifier: \"${api.identifier}\"}]}}\n",
          "warning: 4,3: roles have permissions of 'api', but its tokens will not carry them; Set "
          "enforcePolicies: true "
          "and tokenDialect: access_token_authz" },
        { HEAD "resources:\n"
               "  g: {type: auth0:ClientGrant, properties: {clientId: c, audience: a, scopes: []}}\n"
               "  og: {type: auth0:OrganizationClientGrant, properties: {organizationId: o, grantId: "
               "\"${g.id}\"}}\n",
          "warning: 5,3: grant 'g' is given to an organization, but denies tokens for organizations; Set "
          "organizationUsage: allow or require on the grant" },
        { HEAD ORG "      metadata: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1}\n",
          "7,7: metadata of Organization holds at most 10 entries, not 11" },
    };
    check_rows(rows, GH_COUNT(rows));
}

TEST(the_example_has_nothing_to_complain_about) {
    const char *dir = getenv("GH_EXAMPLE");
    gh_auto(gh_diagnostics_freep) struct gh_diagnostics *d = gh_diagnostics_new();
    gh_auto(gh_program_freep) struct gh_program *p = NULL;
    CHECK(dir && gh_program_load(dir, d, &p) == GH_OK && gh_program_check(p, d) == GH_OK);
    CHECK(!gh_diagnostics_at(d, 0));
}

GH_TESTS(the_structure_of_a_program_is_strict, config_is_typed, references_lead_somewhere,
         functions_are_called_as_they_are, properties_are_those_of_the_provider, what_cannot_work_is_told,
         the_example_has_nothing_to_complain_about)
