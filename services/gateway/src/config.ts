import type { Config, ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_HTTP_PORT: { type: 'number', description: 'Port of HTTP and WebSocket', default: 8080, min: 0, max: 65535 },
  CARILLON_HTTP_HOST: { type: 'string', description: 'Address to listen on', default: '127.0.0.1' },
  CARILLON_JWT_SECRET: {
    type: 'string',
    description: 'Shared secret of HS256 tokens, at least 32 characters',
    minLength: 32,
    secret: true,
  },
  CARILLON_JWT_ISSUER: { type: 'string', description: 'The `iss` that a token must have', default: 'carillon' },
  CARILLON_JWT_AUDIENCE: { type: 'string', description: 'The `aud` that a token must have', default: 'carillon' },
  CARILLON_DEV_TOKENS: {
    type: 'switch',
    description: 'POST /v1/dev/token gives a token to anybody for any person; production refuses to start with it',
    default: false,
  },
  CARILLON_QUERY_TOKEN: {
    type: 'switch',
    description: 'Whether `?token=` is taken where no header can be set; proxies log it, so only where none does',
    default: false,
  },
  CARILLON_TEST_PUBLISH: {
    type: 'switch',
    description: 'POST /realtime/test/publish puts made-up events into rooms; production refuses to start with it',
    default: false,
  },
  CARILLON_PING_MS: {
    type: 'number',
    description: 'Milliseconds between two pings of a connection, by WebSocket and in event streams',
    default: 15_000,
    min: 50,
    max: 60_000,
  },
  CARILLON_ORIGINS: {
    type: 'list',
    description: 'Origins besides the own from which browsers may connect, separated by commas',
    default: [],
  },
  CARILLON_TRUSTED_PROXIES: {
    type: 'list',
    description: 'Addresses or networks whose X-Forwarded-For is believed, separated by commas',
    default: [],
  },
  CARILLON_CONSOLE_DIR: { type: 'string', description: 'The built console; not served where empty', default: '' },
  CARILLON_RING_MESSAGES: {
    type: 'number',
    description: 'Newest messages of each stream that are kept in memory, from which clients resume',
    default: 20_000,
    min: 100,
  },
  CARILLON_LIMIT_CALLS_PATIENT: {
    type: 'number',
    description: 'Calls a minute of a patient or caregiver',
    default: 30,
    min: 1,
  },
  CARILLON_LIMIT_CALLS_STAFF: {
    type: 'number',
    description: 'Calls a minute of a member of staff',
    default: 120,
    min: 1,
  },
  CARILLON_LIMIT_CALLS_DEVICE: { type: 'number', description: 'Calls a minute of a device', default: 600, min: 1 },
  CARILLON_LIMIT_CONNECTIONS_PERSON: {
    type: 'number',
    description: 'Connections at once of a patient or caregiver',
    default: 5,
    min: 1,
  },
  CARILLON_LIMIT_CONNECTIONS_STAFF: {
    type: 'number',
    description: 'Connections at once of anybody else',
    default: 20,
    min: 1,
  },
  CARILLON_LIMIT_HANDSHAKES: { type: 'number', description: 'Handshakes a minute of a person', default: 30, min: 1 },
  CARILLON_LIMIT_FAILED_HANDSHAKES: {
    type: 'number',
    description: 'Refused tokens a minute of one address and token',
    default: 10,
    min: 1,
  },
  CARILLON_LIMIT_ROOMS: { type: 'number', description: 'Rooms of a connection', default: 128, min: 1 },
  CARILLON_LIMIT_FRAME_BYTES: {
    type: 'number',
    description: 'Size of a frame in',
    default: 32_768,
    min: 1_024,
    max: 1_048_576,
  },
} as const satisfies ConfigSchema;

export type GatewayConfig = Config<typeof configSchema>;
