// mercurius as its community runs it: Fastify, graphql-jit, a data loader per batch function and request, undici.
import { readFileSync } from 'node:fs';
import DataLoader from 'dataloader';
import Fastify from 'fastify';
import mercurius from 'mercurius';
import { Pool } from 'undici';

const upstream = new URL(process.env.UPSTREAM);
// One pool for the seven platforms: they are one replay server. No limit to its connections, like the others.
const pool = new Pool(upstream.origin, { connections: null, pipelining: 1 });
const headers = { 'content-type': 'application/json' };

async function send(tool, method, path, body) {
  const answer = await pool.request({
    method,
    path: `/${tool}${path}`,
    ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
  });
  return answer.body.json();
}

const each = (call) => (keys) => Promise.all(keys.map(call));

const batches = {
  async follower(keys) {
    const openids = [...new Set(keys.flat())];
    const body = { user_list: openids.map((openid) => ({ openid })) };
    const answer = await send('official_account', 'POST', '/cgi-bin/user/info/batchget', body);
    const found = new Map(answer.user_info_list.map((person) => [person.openid, person]));
    return keys.map((key) => ({ user_info_list: key.filter((o) => found.has(o)).map((o) => found.get(o)) }));
  },
  coupons: each(({ openid, appid }) =>
    send(
      'payments',
      'GET',
      `/v3/marketing/busifavor/users/${encodeURIComponent(openid)}/coupons?appid=${encodeURIComponent(appid)}`,
    ),
  ),
  order: each((order_id) => send('mini_program_store', 'POST', '/channels/ec/order/get', { order_id })),
  ad_reports: each((id) =>
    send('social_ads', 'GET', `/v3.0/daily_reports/get?account_id=${encodeURIComponent(id)}`),
  ),
  files: each((prefix) => send('cloud_storage', 'GET', `/?prefix=${encodeURIComponent(prefix)}`)),
  catalogue: each(() => send('ip_content', 'GET', '/ip/v1/catalogue')),
  contact: each((id) =>
    send('enterprise_chat', 'GET', `/cgi-bin/externalcontact/get?external_userid=${encodeURIComponent(id)}`),
  ),
};
const cacheKeys = {
  follower: (key) => key.join(' '),
  coupons: (key) => `${key.openid} ${key.appid}`,
};

class Loaders {
  #made = {};

  load(name, key) {
    return (this.#made[name] ??= new DataLoader(batches[name], { cacheKeyFn: cacheKeys[name] })).load(key);
  }
}

const resolvers = {
  Query: {
    follower: (_, { input }, { loads }) => loads.load('follower', input.user_list.map((user) => user.openid)),
    coupons: (_, args, { loads }) => loads.load('coupons', args),
    order: (_, { input }, { loads }) => loads.load('order', input.order_id),
    ad_reports: (_, { account_id }, { loads }) => loads.load('ad_reports', account_id),
    files: (_, { prefix }, { loads }) => loads.load('files', prefix),
    catalogue: (_, args, { loads }) => loads.load('catalogue', 'the only one'),
    contact: (_, { external_userid }, { loads }) => loads.load('contact', external_userid),
  },
};

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema: readFileSync(process.env.SCHEMA, 'utf8'),
  resolvers,
  // `loaders` in the context is mercurius' own.
  context: () => ({ loads: new Loaders() }),
  jit: 1,
  graphiql: false,
});
await app.listen({ host: '127.0.0.1', port: 0 });
console.log(app.server.address().port);
