// Hive Gateway in front of the composed REST sources: production mode, JIT, and nothing that a request does not need.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  supergraph: process.env.SUPERGRAPH,
  host: '127.0.0.1',
  port: Number(process.env.PORT ?? 0),
  jit: true,
  landingPage: false,
  graphiql: false,
  healthCheckEndpoint: '/healthcheck',
  logging: 'error',
});
