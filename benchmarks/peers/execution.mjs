// graphql-js and graphql-jit on the data of the execution benchmark: from document text and raw variables to bytes.
//
// Commands come as JSON lines: {"contestant", "document", "milliseconds"} runs one for a while and answers with the runs
// and the CPU time of the main thread; without "milliseconds" it answers with the response itself.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import DataLoader from 'dataloader';
import { Kind, buildSchema, execute, parse, validate } from 'graphql';
import { compileQuery } from 'graphql-jit';

const { sdl, documents, variables, data } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// Instants stand in memory as dates, as in Python, and are printed to the second.
const instant = (text) => (text == null ? null : new Date(text));
for (const [key, value] of Object.entries(revive(data))) data[key] = value;
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== 'object') return value;
  const dates = ['joinedAt', 'subscribedAt', 'paidAt', 'createdAt', 'at', 'postedAt'];
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, dates.includes(name) ? instant(inner) : revive(inner)]),
  );
}

const batches = {
  member: async (ids) => ids.map((id) => (id === data.member.id ? data.member : null)),
  officialAccount: async (keys) => keys.map(() => data.member.officialAccount),
  payments: async (keys) =>
    keys.map(({ first, state }) => data.member.payments.filter((p) => state == null || p.state === state).slice(0, first)),
  orders: async (keys) => keys.map(({ first }) => data.member.orders.slice(0, first)),
  touchpoints: async (keys) =>
    keys.map(({ first, since }) => data.member.touchpoints.filter((p) => since == null || p.at >= since).slice(0, first)),
  files: async (keys) => keys.map(({ first }) => data.member.files.slice(0, first)),
  participations: async (keys) => keys.map(({ first }) => data.member.participations.slice(0, first)),
  contacts: async (keys) => keys.map(({ first }) => data.member.contacts.slice(0, first)),
};
const cacheKeys = {
  officialAccount: (key) => `${key.id} ${key.app}`,
  payments: (key) => `${key.id} ${key.first} ${key.state}`,
  touchpoints: (key) => `${key.id} ${key.first} ${key.since?.getTime()}`,
};
const byFirst = (key) => `${key.id} ${key.first}`;

class Loaders {
  #made = {};

  load(name, key) {
    const options = name === 'member' ? undefined : { cacheKeyFn: cacheKeys[name] ?? byFirst };
    return (this.#made[name] ??= new DataLoader(batches[name], options)).load(key);
  }
}

const schema = buildSchema(sdl, { assumeValid: true });
const resolvers = {
  Query: {
    member: (_, { id }, context) => context.load('member', id),
    products: (_, { first }) => data.products.slice(0, first),
  },
  Member: Object.fromEntries(
    ['officialAccount', 'payments', 'orders', 'touchpoints', 'files', 'participations', 'contacts'].map((name) => [
      name,
      ({ id }, { first = 20, ...rest }, context) => context.load(name, { id, first, ...rest }),
    ]),
  ),
  File: { url: ({ key }, { expiresIn }) => `https://files.example/${key}?expires=${expiresIn}` },
};
for (const [type, fields] of Object.entries(resolvers)) {
  for (const [name, resolve] of Object.entries(fields)) schema.getType(type).getFields()[name].resolve = resolve;
}
Object.assign(schema.getType('DateTime'), {
  serialize: (value) => `${value.toISOString().slice(0, 19)}+00:00`,
  parseValue: (value) => new Date(value),
  parseLiteral: (node) => (node.kind === Kind.STRING ? new Date(node.value) : undefined),
});
Object.assign(schema.getType('Long'), {
  serialize: (value) => {
    if (!Number.isSafeInteger(value)) throw new TypeError('Long must be a whole number.');
    return value;
  },
});

function checked(text) {
  const document = parse(text);
  const errors = validate(schema, document);
  if (errors.length) throw new Error(errors.join('\n'));
  return document;
}

const parsed = new Map();
const compiled = new Map();
const contestants = {
  async graphql_js(text, variableValues) {
    let document = parsed.get(text);
    if (document === undefined) parsed.set(text, (document = checked(text)));
    const result = await execute({ schema, document, variableValues, contextValue: new Loaders() });
    return Buffer.from(JSON.stringify(result));
  },
  async graphql_jit(text, variableValues) {
    let query = compiled.get(text);
    if (query === undefined) compiled.set(text, (query = compileQuery(schema, checked(text))));
    const result = await query.query(undefined, new Loaders(), variableValues);
    return Buffer.from(query.stringify(result));
  },
};

// Nanoseconds on the CPU; of the main thread alone, so that helpers of V8 are not counted against Node.
const cpu = () => Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ', 1)[0]);

for await (const line of createInterface({ input: process.stdin })) {
  const { contestant, document, milliseconds } = JSON.parse(line);
  const answer = contestants[contestant];
  const [text, values] = [documents[document], variables[document]];
  if (milliseconds === undefined) {
    console.log(JSON.stringify({ answer: (await answer(text, values)).toString() }));
    continue;
  }
  const until = performance.now() + milliseconds;
  const started = cpu();
  let runs = 0;
  do {
    for (let i = 0; i < 10; i++) await answer(text, values);
    runs += 10;
  } while (performance.now() < until);
  console.log(JSON.stringify({ runs, microseconds: (cpu() - started) / 1000 / runs }));
}
