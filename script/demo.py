"""The demo's steps, each with its verdict. Standard library only: it runs where Gatehouse was built."""

import base64
import hashlib
import html
import http.cookiejar
import json
import os
import re
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GATEHOUSE = os.path.join(ROOT, 'build', 'gatehouse')
EXAMPLE = os.path.join(ROOT, 'examples', 'secure-ai-api')
AUDIENCE = 'https://ai.example.com/v1'
EMAIL, CALLBACK = 'ada@example.com', 'http://localhost:3000/callback'

COLOUR = sys.stdout.isatty()
failures = 0


def paint(code, text):
    return f'\x1b[{code}m{text}\x1b[0m' if COLOUR else text


def step(title):
    print(paint('1', f'\n{title}'), flush=True)


def verdict(ok, text):
    global failures
    failures += not ok
    print(f"  {paint('32', 'ok  ') if ok else paint('31', 'FAIL')} {text}", flush=True)
    return ok


def show(text, most=40):
    for line in text.rstrip().splitlines()[:most]:
        print(f'       {line}')


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Client:
    """An HTTP client with cookies that follows nothing by itself."""

    def __init__(self, ca):
        context = ssl.create_default_context(cafile=ca)
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), NoRedirect(),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def call(self, method, url, headers=None, form=None, body=None):
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        headers = dict(headers or {})
        if body is not None:
            data, headers['Content-Type'] = json.dumps(body).encode(), 'application/json'
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=10) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as reply:
            return reply.code, reply.headers, reply.read().decode()


class Tenant:
    """A running gatehouse dev."""

    def __init__(self, folder):
        self.folder, self.log = folder, open(os.path.join(folder, 'dev.log'), 'w+')
        env_file = os.path.join(folder, 'env')
        data = os.path.join(folder, 'data')
        self.process = subprocess.Popen([GATEHOUSE, 'dev', '--data', data, '--port', '0', '--gateway-port', '0', '--env-file', env_file],
                                        stdout=subprocess.DEVNULL, stderr=self.log)
        started = time.monotonic()
        while not os.path.exists(env_file):
            if self.process.poll() is not None or time.monotonic() - started > 20:
                sys.exit(f'gatehouse dev did not start:\n{open(self.log.name).read()}')
            time.sleep(0.01)
        self.ready_ms = (time.monotonic() - started) * 1000
        self.env = dict(re.findall(r"^export (\w+)='(.*)'$", open(env_file).read(), re.M))
        self.origin = f"https://{self.env['AUTH0_DOMAIN']}"
        self.gateway = self.env['GATEHOUSE_GATEWAY']

    def client(self):
        return Client(self.env['NODE_EXTRA_CA_CERTS'])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(5)


def stack(tenant, project, *words):
    """Runs the stack engine as its user would: the provider's own variables, nothing else."""
    run = subprocess.run([GATEHOUSE, *words, '-C', project, '-s', 'demo'], text=True, capture_output=True,
                         env={**os.environ, **tenant.env, 'PULUMI_CONFIG_PASSPHRASE': 'demo'})
    return run.returncode, run.stdout, run.stderr


def claims_of(token):
    part = token.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def sign_in(tenant, client_id, client_secret, organization, password):
    """Authorization code with PKCE through the sign-in page; gives the page and the token answer."""
    browser, verifier = tenant.client(), secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b'=').decode()
    url = f'{tenant.origin}/authorize?' + urllib.parse.urlencode({
        'response_type': 'code', 'client_id': client_id, 'redirect_uri': CALLBACK, 'scope': 'openid profile email offline_access',
        'audience': AUDIENCE, 'organization': organization, 'state': 'xyz', 'nonce': secrets.token_urlsafe(8),
        'code_challenge': challenge, 'code_challenge_method': 'S256'})
    status, headers, page = browser.call('GET', url)
    while status in (302, 303) and not headers['Location'].startswith(CALLBACK):
        url = urllib.parse.urljoin(url, headers['Location'])
        status, headers, page = browser.call('GET', url)
    login_page = page
    form = {name: html.unescape(value) for name, value in re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page)}
    form.update(username=EMAIL, password=password)
    action = re.search(r'<form[^>]*action="([^"]*)"', page)
    url = urllib.parse.urljoin(url, html.unescape(action.group(1)) if action else url)
    status, headers, page = browser.call('POST', url, form=form)
    while status in (302, 303) and not headers['Location'].startswith(CALLBACK):
        url = urllib.parse.urljoin(url, headers['Location'])
        status, headers, page = browser.call('GET', url)
    query = urllib.parse.parse_qs(urllib.parse.urlparse(headers['Location'] or '').query)
    if 'code' not in query:
        return login_page, {'error': query or page[:200]}
    _, _, body = browser.call('POST', f'{tenant.origin}/oauth/token', form={
        'grant_type': 'authorization_code', 'client_id': client_id, 'client_secret': client_secret, 'code': query['code'][0],
        'redirect_uri': CALLBACK, 'code_verifier': verifier})
    return login_page, json.loads(body)


def machine_token(tenant, client_id, client_secret, audience=AUDIENCE, **more):
    _, _, body = tenant.client().call('POST', f'{tenant.origin}/oauth/token', form={
        'grant_type': 'client_credentials', 'client_id': client_id, 'client_secret': client_secret, 'audience': audience, **more})
    return json.loads(body).get('access_token', '')


def ask(tenant, token, path='/v1/chat/completions', stream=False):
    headers = {'Authorization': f'Bearer {token}'} if token else {}
    if path != '/v1/chat/completions':
        return tenant.client().call('GET', tenant.gateway + path, headers)
    return tenant.client().call('POST', tenant.gateway + path, headers, body={
        'model': 'gpt-5', 'stream': stream, 'messages': [{'role': 'user', 'content': 'Who guards this API?'}]})


def refused(tenant, what, token, status, path='/v1/chat/completions'):
    got, headers, body = ask(tenant, token, path)
    try:
        code = json.loads(body)['error']['code']
    except (ValueError, KeyError, TypeError):
        code = body[:80]
    verdict(got == status, f'{what}: {got} {code} (wanted {status})')


def tampered(token):
    header, payload, signature = token.split('.')
    claims = claims_of(token)
    claims['permissions'] = claims.get('permissions', []) + ['everything']
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()
    return f'{header}.{payload}.{signature}'


def story(tenant, project, password):
    step('1  The stack file: what will happen, then let it happen')
    settings = ['-c', f'memberPassword={password}', '-c', f'memberEmail={EMAIL}', '-c', f'callbackUrl={CALLBACK}']
    status, out, err = stack(tenant, project, 'preview', *settings)
    show(out)
    planned = re.search(r'\+ (\d+) to create', out)
    verdict(status == 0 and planned, f"preview: {planned.group(1) if planned else '?'} to create{'' if status == 0 else err}")
    status, out, err = stack(tenant, project, 'up', '-y')
    created = re.search(r'\+ (\d+) created', out)
    verdict(status == 0 and created and planned and created.group(1) == planned.group(1),
            f"up: {created.group(1) if created else '?'} created, as previewed{'' if status == 0 else err}")
    status, out, err = stack(tenant, project, 'up', '-y')
    unchanged = re.search(r'(\d+) unchanged', out)
    verdict(status == 0 and unchanged and 'created' not in out and 'updated' not in out,
            f"second up: {unchanged.group(1) if unchanged else '?'} unchanged{'' if status == 0 else err}")
    status, out, err = stack(tenant, project, 'stack', 'output', '--json', '--show-secrets')
    if not verdict(status == 0, f'stack output --json{err}'):
        return
    outputs = json.loads(out)
    organization = outputs['organization_id']

    step('2  Ada signs in at her company')
    page, reply = sign_in(tenant, outputs['client_id'], outputs['client_secret'], organization, password)
    verdict('#0000FF' in page.upper() and 'https://example.com/logo.png' in page, "the page carries the company's colours and logo")
    token = reply.get('access_token', '')
    if not verdict(token, f"code + PKCE: {'access, ID and refresh token' if token else reply}"):
        return
    claims = claims_of(token)
    show(json.dumps({name: claims.get(name) for name in ('iss', 'sub', 'aud', 'org_id', 'permissions')}, indent=2))
    verdict(claims.get('org_id') == organization, 'the token names the organization')
    verdict(sorted(claims.get('permissions', [])) == ['chat:invoke', 'models:list'], 'the token carries the permissions of her role there')

    step('3  The AI API answers through the gateway')
    status, _, body = ask(tenant, token)
    verdict(status == 200 and 'choices' in body, f'chat completion: {status}')
    status, headers, body = ask(tenant, token, stream=True)
    events = body.count('data: ')
    verdict(status == 200 and events > 1 and body.rstrip().endswith('[DONE]'), f'streamed: {status}, {events} events')
    status, _, _ = ask(tenant, token, '/v1/models')
    verdict(status == 200, f'models: {status}')

    step('4  What must not pass does not')
    api = tenant.client()
    admin = {'Authorization': 'Bearer ' + machine_token(
        tenant, tenant.env['AUTH0_CLIENT_ID'], tenant.env['AUTH0_CLIENT_SECRET'], f'{tenant.origin}/api/v2/')}

    def manage(method, path, body=None):
        return api.call(method, f'{tenant.origin}/api/v2/{path}', admin, body=body)

    # The same person at another company that lets the same database in: a member there, but without a role.
    _, _, text = manage('GET', f'organizations/{organization}/connections')
    connection = json.loads(text)[0]['connection_id']
    _, _, text = manage('POST', 'organizations', {'name': 'another-company', 'enabled_connections': [
        {'connection_id': connection, 'assign_membership_on_login': True}]})
    other = json.loads(text).get('id', '')
    _, reply = sign_in(tenant, outputs['client_id'], outputs['client_secret'], other, password)
    foreign = reply.get('access_token', '')
    verdict(foreign and claims_of(foreign).get('org_id') == other, 'Ada can also sign in at another company, where she has no role')
    refused(tenant, 'a token of the other organization', foreign, 403)
    manage('DELETE', f'organizations/{other}')
    refused(tenant, 'the same once that organization is deleted', foreign, 401)

    worker = machine_token(tenant, outputs['m2m_client_id'], outputs['m2m_client_secret'], organization=organization)
    status, _, _ = ask(tenant, worker)
    verdict(status == 200, f"the company's batch worker may chat: {status}")
    refused(tenant, 'its token lacks models:list', worker, 403, '/v1/models')
    refused(tenant, 'a tampered token', tampered(token), 401)

    _, _, text = manage('GET', 'resource-servers')
    server = next(item['id'] for item in json.loads(text) if item['identifier'] == AUDIENCE)
    manage('PATCH', f'resource-servers/{server}', {'token_lifetime': 1})
    short = machine_token(tenant, outputs['m2m_client_id'], outputs['m2m_client_secret'], organization=organization)
    time.sleep(2.1)
    refused(tenant, 'an expired token', short, 401)
    refused(tenant, 'no token', '', 401)

    step('5  Taken away again')
    status, out, err = stack(tenant, project, 'destroy', '-y')
    gone = re.search(r'- (\d+) deleted', out)
    verdict(status == 0 and gone and planned and gone.group(1) == planned.group(1), f"destroy: {gone.group(1) if gone else '?'} deleted{'' if status == 0 else err}")
    left = {}
    for path in ('organizations', 'roles', 'users', 'client-grants', 'connections', 'resource-servers', 'clients'):
        _, _, text = manage('GET', f'{path}?per_page=100')
        left[path] = len(json.loads(text))
    # What a fresh tenant holds: its database connection, the Management API, the machine client with its grant and the global client.
    fresh = {'organizations': 0, 'roles': 0, 'users': 0, 'client-grants': 1, 'connections': 1, 'resource-servers': 1}
    verdict(all(left[path] == count for path, count in fresh.items()) and left['clients'] <= 2, f'the tenant is as new: {left}')
    refused(tenant, "Ada's token of before", token, 401)


def main():
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix='gatehouse-demo-')
    project = os.path.join(folder, 'secure-ai-api')
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns('.gatehouse', 'Pulumi.*.yaml'))
    step('0  A whole identity tenant and a gateway, on this machine alone')
    tenant = Tenant(folder)
    try:
        verdict(True, f'gatehouse dev is ready after {tenant.ready_ms:.0f} ms: tenant {tenant.origin}, gateway {tenant.gateway}')
        story(tenant, project, 'Correct-Horse-' + secrets.token_hex(4))
    finally:
        tenant.stop()
        if failures:
            show(open(tenant.log.name).read()[-4000:], 60)
        shutil.rmtree(folder, ignore_errors=True)
    took = time.monotonic() - started
    print(paint('32' if not failures else '31', f"\n{'Every verdict as stated' if not failures else f'{failures} verdicts were wrong'}, {took:.1f} s"))
    sys.exit(1 if failures else 0)


main()
