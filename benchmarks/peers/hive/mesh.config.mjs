// The seven platforms as REST sources, one subgraph per tool. `mesh-compose` turns this into supergraph.graphql.
//
// Types are inferred from the recorded answers by JSON Schemas made here rather than by `responseSample`, which would
// guess date formats and parse and print each of them: work that no other peer does.
import { readFileSync } from 'node:fs';
import { defineConfig } from '@graphql-mesh/compose-cli';
import { loadJSONSchemaSubgraph } from '@omnigraph/json-schema';

const recorded = new URL('../../gateway/recorded/', import.meta.url);
const upstream = process.env.UPSTREAM;

function shape(value, title) {
  if (Array.isArray(value)) return { type: 'array', items: value.length ? shape(value[0], title) : { type: 'string' } };
  if (value === null) return { type: 'string' };
  if (typeof value === 'number') return { type: Math.abs(value) < 2 ** 31 ? 'integer' : 'number' };
  if (typeof value !== 'object') return { type: typeof value };
  const properties = Object.entries(value).map(([name, inner]) => [name, shape(inner, `${title}_${name}`)]);
  return { type: 'object', title, properties: Object.fromEntries(properties) };
}

function tool(name, operation) {
  const sample = JSON.parse(readFileSync(new URL(`${name}.json`, recorded)));
  return {
    sourceHandler: loadJSONSchemaSubgraph(name, {
      endpoint: `${upstream}/${name}`,
      operationHeaders: { 'content-type': 'application/json', accept: 'application/json' },
      operations: [{ type: 'Query', responseSchema: shape(sample, name), ...operation }],
    }),
  };
}

const text = { type: 'string', nullable: false };

export const composeConfig = defineConfig({
  subgraphs: [
    tool('official_account', {
      field: 'follower',
      method: 'POST',
      path: '/cgi-bin/user/info/batchget',
      requestSchema: shape({ user_list: [{ openid: '' }] }, 'UserInfoBatchget'),
    }),
    tool('payments', {
      field: 'coupons',
      method: 'GET',
      path: '/v3/marketing/busifavor/users/{args.openid}/coupons',
      argTypeMap: { openid: text, appid: text },
      queryParamArgMap: { appid: 'appid' },
    }),
    tool('mini_program_store', {
      field: 'order',
      method: 'POST',
      path: '/channels/ec/order/get',
      requestSchema: shape({ order_id: '' }, 'OrderGet'),
    }),
    tool('social_ads', {
      field: 'ad_reports',
      method: 'GET',
      path: '/v3.0/daily_reports/get',
      argTypeMap: { account_id: text },
      queryParamArgMap: { account_id: 'account_id' },
    }),
    tool('cloud_storage', {
      field: 'files',
      method: 'GET',
      path: '/',
      argTypeMap: { prefix: text },
      queryParamArgMap: { prefix: 'prefix' },
    }),
    tool('ip_content', { field: 'catalogue', method: 'GET', path: '/ip/v1/catalogue' }),
    tool('enterprise_chat', {
      field: 'contact',
      method: 'GET',
      path: '/cgi-bin/externalcontact/get',
      argTypeMap: { external_userid: text },
      queryParamArgMap: { external_userid: 'external_userid' },
    }),
  ],
});
