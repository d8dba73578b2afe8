// Several issuers and several feeds: a token is checked with the keys of the issuer that it names and no others, cold and warm; what one
// tenant revoked is not revoked at another; a feed that cannot be read refuses, keys that are missing refuse their issuer alone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from './harness.mjs';
import { Feed, Key, Lab, audience, code, header, issuer, now } from './gateway_lab.mjs';

const other = 'https://other.example/', silent = 'https://silent.example/';
const base = `gatehouse on; gatehouse_audience ${audience}; gatehouse_permission read:models;`;
const server = `${base}
  gatehouse_issuer ${issuer}; gatehouse_issuer ${other}; gatehouse_issuer ${silent}; gatehouse_feed feed; gatehouse_feed feed2;
  location / { proxy_pass http://api; }
  location /one { gatehouse_issuer ${issuer}; proxy_pass http://api; }
  location /two { gatehouse_issuer ${other}; gatehouse_feed feed2; proxy_pass http://api; }`;

describe('two issuers, two feeds', () => {
  let lab, ours, theirs, only;
  before(async () => {
    lab = await Lab.start({ server: 'location / { return 204; }' });
    lab.feed2 = new Feed(path.join(lab.dir, 'feed2'));
    [ours, theirs, only] = [lab.key, new Key('k1'), new Key('only-theirs', 'ES256')];
    await lab.feed2.keys(other, [theirs, only]);
    lab.write(server, '', 2);
    await lab.reload();
  });
  after(async () => { await lab.feed2.close(); await lab.stop(); });

  const t = now() - 30;
  const rows = () => [
    ['one of ours', ours.token(), 'ok', 'ok', '401 wrong_issuer'],
    ['one of theirs', theirs.token({ iss: other }), 'ok', '401 wrong_issuer', 'ok'],
    ['another key of theirs', only.token({ iss: other }), 'ok', '401 wrong_issuer', 'ok'],
    ['their key in our name, with a kid that both have', theirs.token(), '401 bad_signature', '401 bad_signature', '401 wrong_issuer'],
    ['our key in their name', ours.token({ iss: other }), '401 bad_signature', '401 wrong_issuer', '401 bad_signature'],
    ['a kid that only they have, in our name', only.token(), '401 unknown_key', '401 unknown_key', '401 wrong_issuer'],
    ['an issuer that nobody named', ours.token({ iss: 'https://third.example/' }), '401 wrong_issuer', '401 wrong_issuer', '401 wrong_issuer'],
    ['our issuer without its slash', ours.token({ iss: issuer.slice(0, -1) }), '401 wrong_issuer', '401 wrong_issuer', '401 wrong_issuer'],
    ['both issuers in a list', ours.token({ iss: [issuer, other] }), '401 bad_claim', '401 bad_claim', '401 bad_claim'],
    ['an issuer whose keys are not known yet', ours.token({ iss: silent }), '503 feed', '401 wrong_issuer', '401 wrong_issuer'],
    ['no token', undefined, '401 no_token', '401 no_token', '401 no_token'],
  ];
  test('each token, at each location, cold and warm', async () => {
    for (const [what, token, ...want] of rows())
      for (let round = 0; round < 3; round++)
        assert.deepEqual(await Promise.all(['/x', '/one', '/two'].map((where) => code(lab.get(where, { token })))), want, `${what}, round ${round}`);
  });

  test('the user of one tenant is not the user of the other', async () => {
    const mine = ours.token({ iat: t, sub: 'google|7' }), yours = theirs.token({ iss: other, iat: t, sub: 'google|7' });
    for (const token of [mine, yours]) assert.equal(await code(lab.get('/x', { token })), 'ok');
    await lab.feed2.epoch('user', 'google|7', '', t);
    assert.equal(await code(lab.get('/x', { token: mine })), 'ok');
    for (let i = 0; i < 4; i++) assert.equal(await code(lab.get('/x', { token: yours })), '401 revoked');
    await lab.feed.epoch('grant', 'client_A', 'google|7', t);
    assert.equal(await code(lab.get('/x', { token: mine })), '401 revoked');
  });

  test('a second feed with keys of the issuer also says who was revoked; the first gives the keys', async () => {
    await lab.feed2.keys(issuer, [theirs]);
    const mine = ours.token({ iat: t, sub: 'auth0|both' });
    assert.equal(await code(lab.get('/x', { token: mine })), 'ok');
    assert.equal(await code(lab.get('/x', { token: theirs.token() })), '401 bad_signature');
    await lab.feed2.epoch('organization', 'org_both', '', t);
    assert.equal(await code(lab.get('/x', { token: ours.token({ iat: t, org_id: 'org_both' }) })), '401 revoked');
    await lab.feed2.epoch('suspended', 'org_acme', '', 1);
    assert.equal(await code(lab.get('/x', { token: mine })), '401 revoked');
    await lab.feed2.epoch('suspended', 'org_acme', '', 0);
    assert.equal(await code(lab.get('/x', { token: mine })), 'ok');
  });

  test('keys of one issuer change, the tokens of the other stay', async () => {
    const next = new Key('k1'), mine = ours.token(), yours = theirs.token({ iss: other }), newer = next.token({ iss: other });
    for (const token of [mine, yours]) assert.equal(await code(lab.get('/x', { token })), 'ok');
    await lab.feed2.keys(other, [next]);
    for (let i = 0; i < 4; i++) {
      assert.equal(await code(lab.get('/x', { token: mine })), 'ok');
      assert.equal(await code(lab.get('/x', { token: yours })), '401 bad_signature');
      assert.equal(await code(lab.get('/x', { token: newer })), 'ok');
    }
    await lab.feed2.put('keys', other, '{"keys":[{"kty":"oct","k":"AAAA","kid":"k1"}]}');
    assert.equal(await code(lab.get('/x', { token: newer })), '503 feed');
    assert.equal(await code(lab.get('/x', { token: mine })), 'ok');
    await lab.feed2.keys(other, [next]);
    assert.equal(await code(lab.get('/x', { token: newer })), 'ok');
  });

  test('keys that come later are used at once: their absence was not remembered', async () => {
    const late = new Key('late'), token = late.token({ iss: silent });
    for (let i = 0; i < 3; i++) assert.equal(await code(lab.get('/x', { token })), '503 feed');
    await lab.feed2.keys(silent, [late]);
    for (let i = 0; i < 3; i++) assert.equal(await code(lab.get('/x', { token })), 'ok');
  });

  test('a feed that is gone refuses all who were told to read it, until it is back', async () => {
    await lab.feed2.close();
    fs.renameSync(path.join(lab.dir, 'feed2'), path.join(lab.dir, 'away'));
    const mine = ours.token();
    await until('503', async () => (await code(lab.get('/x', { token: mine }))) === '503 feed', 3000);
    const reply = await lab.get('/one', { token: mine });
    assert.equal(reply.status, 503);
    assert.equal(header(reply, 'retry-after'), '1');
    fs.renameSync(path.join(lab.dir, 'away'), path.join(lab.dir, 'feed2'));
    lab.feed2 = new Feed(path.join(lab.dir, 'feed2'));
    await until('an answer', async () => (await code(lab.get('/x', { token: mine }))) === 'ok', 3000);
  });
});
