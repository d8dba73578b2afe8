// The model rule as a customer meets it: permissions and metadata declared through the Management API, the openai SDK through `gatehouse dev`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';

import { machineToken, management, ok, startGatehouse } from './harness.mjs';

let g, api, grant, worker, server;
const scopes = ['chat:invoke', 'models:list', 'model:gpt-5*', 'model:mock-small'];
const messages = [{ role: 'user', content: 'Hello' }];

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  server = ok(await api.post('resource-servers', { identifier: g.audience, name: 'AI API', enforce_policies: true, token_dialect: 'rfc9068_profile_authz', scopes: scopes.map((value) => ({ value })) }));
  worker = ok(await api.post('clients', { name: 'worker', app_type: 'non_interactive', grant_types: ['client_credentials'] }));
  grant = ok(await api.post('client-grants', { client_id: worker.client_id, audience: g.audience, scope: scopes, organization_usage: 'require' }));
});
after(async () => g?.stop());

async function organization(name, models) {
  const { id } = ok(await api.post('organizations', { name, ...(models === undefined ? {} : { metadata: { ai_models: models } }) }));
  ok(await api.post(`organizations/${id}/client-grants`, { grant_id: grant.id }));
  const apiKey = await machineToken(g, { clientId: worker.client_id, clientSecret: worker.client_secret, organization: id });
  return { id, openai: new OpenAI({ baseURL: `${g.gateway}/v1`, apiKey, maxRetries: 0 }) };
}

const ask = (openai, model, more) => openai.chat.completions.create({ model, messages, ...more });
const refused = (code, model) => (error) => error instanceof OpenAI.PermissionDeniedError && error.code === code && error.param === 'model' && error.message.includes(model);

test('the token and the organization both decide, at once', async () => {
  const { id, openai } = await organization('both', 'gpt-5, mock-small');
  assert.equal((await ask(openai, 'gpt-5')).model, 'gpt-5');
  let text = '';
  for await (const chunk of await ask(openai, 'gpt-5', { stream: true })) text += chunk.choices[0]?.delta?.content ?? '';
  assert.ok(text.length > 0);
  await assert.rejects(ask(openai, 'gpt-4o'), refused('model_not_allowed', 'gpt-4o'));
  await assert.rejects(ask(openai, 'gpt-5-mini'), refused('model_not_allowed', 'gpt-5-mini'));
  await assert.rejects(ask(openai, 'gpt-5', { fallbacks: ['gpt-4o'] }), refused('model_not_allowed', 'gpt-4o'));
  for (let i = 0; i < 10; i++) {
    ok(await api.patch(`organizations/${id}`, { metadata: { ai_models: 'mock-small' } }));
    await assert.rejects(ask(openai, 'gpt-5'), refused('model_not_allowed', 'gpt-5'));
    ok(await api.patch(`organizations/${id}`, { metadata: { ai_models: 'gpt-5*' } }));
    assert.equal((await ask(openai, 'gpt-5-mini')).model, 'gpt-5-mini');
  }
});

test('an organization without a list may use what its tokens may', async () => {
  const { openai } = await organization('free');
  assert.equal((await ask(openai, 'gpt-5-mini')).model, 'gpt-5-mini');
  await assert.rejects(ask(openai, 'o1'), refused('model_not_allowed', 'o1'));
});

test('the list of models is the caller\'s', async () => {
  const ids = async (openai) => (await openai.models.list()).data.map(({ id }) => id);
  const free = await ids((await organization('lists')).openai), none = await ids((await organization('lists-none', '')).openai);
  assert.deepEqual(free, ['mock-small']); // the mock has mock-large too
  assert.deepEqual(none, []);
});

test('a long prompt passes with its model at the end', async () => {
  const { openai } = await organization('long');
  const content = 'x'.repeat(3 << 20);
  assert.equal((await openai.chat.completions.create({ messages: [{ role: 'user', content }], model: 'gpt-5' })).model, 'gpt-5');
  await assert.rejects(openai.chat.completions.create({ messages: [{ role: 'user', content }], model: 'gpt-4o' }), refused('model_not_allowed', 'gpt-4o'));
});

test('an API without model permissions is not bound', async () => {
  const { openai } = await organization('before', 'gpt-5');
  await assert.rejects(ask(openai, 'o1'), refused('model_not_allowed', 'o1'));
  ok(await api.patch(`resource-servers/${server.id}`, { scopes: [{ value: 'chat:invoke' }, { value: 'models:list' }] }));
  ok(await api.patch(`client-grants/${grant.id}`, { scope: ['chat:invoke', 'models:list'] }));
  const later = await organization('after', 'gpt-5');
  assert.equal((await ask(later.openai, 'o1')).model, 'o1');
});
